--- OSSslVersion.current, OSSslVersion:text, OSSslVersion:number
local version = scissl.OSSslVersion.current()
print(version:text()) --> OpenSSL …
print(version:number() >= 0x30000000) --> true

--- OSSslVersion:headersText, OSSslVersion:headersNumber
local version = scissl.OSSslVersion.current()
print(version:headersText()) --> OpenSSL …
print(version:headersNumber() >> 28 == version:number() >> 28) --> true
