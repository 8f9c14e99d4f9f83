--- SciSslTrySocket:trace, SciSslTrySocket:traceText, SciSslTrySocket:said
local c, s = scissl.try()
c:sslConnect()
print(c:traceText()) --> …ClientHello…
print(c:said()[1].name) --> ClientHello
c:trace(false)

--- SciSslTrySocket:socket
local c, s = scissl.try()
print(c:socket():isSecure()) --> false
