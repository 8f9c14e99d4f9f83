---The OpenSSL in use: of the headers that scissl was compiled with, and of the library that was loaded.
---
---@meta OSSslVersion
---@class OSSslVersion
local OSSslVersion = {}

---Answers the OpenSSL in use.
---
---@return OSSslVersion
---@see OpenSSL_version(3)
function OSSslVersion.current() end

---Answers the loaded library's version, such as `OpenSSL 3.0.19 27 Jan 2026`.
---
---@return string
function OSSslVersion:text() end

---Answers the loaded library's version as a number, `0xMNN00PP0`.
---
---@return integer
---@see OpenSSL_version_num(3)
function OSSslVersion:number() end

---Answers the version of the headers that scissl was compiled with.
---
---@return string
function OSSslVersion:headersText() end

---Answers the version of the headers as a number, `0xMNN00PP0`.
---
---@return integer
function OSSslVersion:headersNumber() end

return OSSslVersion
