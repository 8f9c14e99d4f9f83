---A library context of OpenSSL, with the providers that were loaded into it: `fips` for validated algorithms, `pkcs11` for keys that
---stay in their hardware, `legacy` for old algorithms. `SciSslContext.new`, `SciSslPrivateKey.fromUri` and the option `library` of
---`scissl.connect` and `scissl.listen` take one. Other connections of the program do not notice it.
---
---Without a call of `load` it has OpenSSL's own provider, `default`. From the first call on, even one that fails, `default` is there
---only if it is loaded as well: a program that wants `fips` alone never gets something else.
---OpenSSL's objects point to their library context, so it stays until the Lua state is closed: make one, and keep it.
---
---@meta SciSslLibrary
---@class SciSslLibrary
local SciSslLibrary = {}

---Makes a library context.
---
---@return SciSslLibrary?
---@return SciSslError? # condition `memory_full`
---@see OSSL_LIB_CTX_new(3)
---@usage
---```lua
---local library = assert(scissl.SciSslLibrary.new())
---assert(library:load "default")
---print(library:providers()[1].name) --> default
---local loaded, err = library:load "no such provider"
---print(err:condition()) --> provider_missing
---local context = assert(scissl.SciSslContext.new("TLS", library))
---```
function SciSslLibrary.new() end

---Loads a provider.
---
---@param name string `default`, `fips`, `legacy`, `pkcs11`, `base`, or another
---@param parameters? table strings by name, such as `{ ["pkcs11-module-path"] = "/usr/lib/softhsm/libsofthsm2.so" }`. OpenSSL 3.2 or later; before, `loadConfig` reads them from a file
---@return SciSslLibrary? # the receiver
---@return SciSslError? # phase `library`, condition `provider_missing`: OpenSSL finds no such module; `provider_failed`: it does not start; `not_in_this_openssl`: there are parameters
---@see OSSL_PROVIDER_load(3)
---@usage
---```lua
---local library = assert(scissl.SciSslLibrary.new())
---assert(library:load "default")
---print(library:providers()[1].name) --> default
---local loaded, err = library:load "no such provider"
---print(err:condition()) --> provider_missing
---local context = assert(scissl.SciSslContext.new("TLS", library))
---```
function SciSslLibrary:load(name, parameters) end

---Reads a configuration file of OpenSSL, which may load providers and set their parameters.
---
---@param path string
---@return SciSslLibrary? # the receiver
---@return SciSslError? # phase `library`, condition `file_missing`, `malformed_config` or another of the file; `provider_failed`: a provider of the file is missing or does not start; the others are loaded. `not_in_this_openssl`: the file says `activate = 0`, and OpenSSL is older than 3.2, which starts the provider nevertheless; nothing was loaded
---@see OSSL_LIB_CTX_load_config(3)
---@see config(5)
---@usage
---```lua
---print(assert(scissl.SciSslLibrary.new()):loadConfig "/nonexistent/openssl.cnf") --> nil …
---```
function SciSslLibrary:loadConfig(path) end

---Sets the folder in which OpenSSL looks for modules of providers, in place of its own (`openssl version -m`).
---
---@param folder string
---@return SciSslLibrary? # the receiver
---@return SciSslError? # condition `memory_full`
---@see OSSL_PROVIDER_set_default_search_path(3)
---@usage
---```lua
---assert(assert(scissl.SciSslLibrary.new()):setProviderPath "/usr/local/lib/ossl-modules")
---```
function SciSslLibrary:setProviderPath(folder) end

---Sets which implementations are used: those whose properties match. Set it after the providers are loaded.
---
---@param query string such as `fips=yes`; `?fips=yes` prefers them; the empty string: all
---@return SciSslLibrary? # the receiver
---@return SciSslError? # phase `library`, condition `malformed_properties`
---@see EVP_set_default_properties(3)
---@see property(7)
---@usage
---```lua
---assert(assert(scissl.SciSslLibrary.new()):setProperties "?fips=yes") -- prefers validated algorithms
---```
function SciSslLibrary:setProperties(query) end

---Returns the providers that are loaded.
---
---@return table[] # each with `name`, `version`, `build` (strings) and `running` (boolean: it works, and has passed its self-tests)
---@see OSSL_PROVIDER_do_all(3)
---@usage
---```lua
---local library = assert(scissl.SciSslLibrary.new())
---assert(library:load "default")
---print(library:providers()[1].name) --> default
---local loaded, err = library:load "no such provider"
---print(err:condition()) --> provider_missing
---local context = assert(scissl.SciSslContext.new("TLS", library))
---```
function SciSslLibrary:providers() end

return SciSslLibrary
