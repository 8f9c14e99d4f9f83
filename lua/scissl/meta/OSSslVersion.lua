---The OpenSSL in use: of the headers that scissl was compiled with, and of the library that was loaded.
---
---@meta OSSslVersion
---@class OSSslVersion
local OSSslVersion = {}

---Returns the OpenSSL in use.
---
---@return OSSslVersion
---@see OpenSSL_version(3)
---@usage
---```lua
---local version = scissl.OSSslVersion.current()
---print(version:text()) --> OpenSSL …
---print(version:number() >= 0x30000000) --> true
---```
function OSSslVersion.current() end

---Returns the loaded library's version, such as `OpenSSL 3.0.19 27 Jan 2026`.
---
---@return string
---@usage
---```lua
---local version = scissl.OSSslVersion.current()
---print(version:text()) --> OpenSSL …
---print(version:number() >= 0x30000000) --> true
---```
function OSSslVersion:text() end

---Returns the loaded library's version as a number, `0xMNN00PP0`.
---
---@return integer
---@see OpenSSL_version_num(3)
---@usage
---```lua
---local version = scissl.OSSslVersion.current()
---print(version:text()) --> OpenSSL …
---print(version:number() >= 0x30000000) --> true
---```
function OSSslVersion:number() end

---Returns the version of the headers that scissl was compiled with.
---
---@return string
---@usage
---```lua
---local version = scissl.OSSslVersion.current()
---print(version:headersText()) --> OpenSSL …
---print(version:headersNumber() >> 28 == version:number() >> 28) --> true
---```
function OSSslVersion:headersText() end

---Returns the version of the headers as a number, `0xMNN00PP0`.
---
---@return integer
---@usage
---```lua
---local version = scissl.OSSslVersion.current()
---print(version:headersText()) --> OpenSSL …
---print(version:headersNumber() >> 28 == version:number() >> 28) --> true
---```
function OSSslVersion:headersNumber() end

return OSSslVersion
