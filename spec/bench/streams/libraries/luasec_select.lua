-- LuaSec, or what stands for it, in a loop of its own over LuaSocket's select, as Prosody's net.server_select has
-- it: what can be read is received by "*a" without waiting, what is to be sent is queued, and sent when the loop
-- comes round. See trip.lua. Returns a function that makes the library of an `ssl`.
local socket = require "socket"

return function(ssl)
  local library = {}
  local client_context, server_context
  local handlers, reading, writing = {}, {}, {} -- handlers by socket; lists of sockets
  local ready = {} -- coroutines whose turn it is

  function library.open(folder)
    client_context = assert(ssl.newcontext {
      mode = "client", protocol = "tlsv1_3", verify = "peer", cafile = folder .. "/ca.pem",
    })
    server_context = assert(ssl.newcontext {
      mode = "server", protocol = "tlsv1_3", certificate = folder .. "/server.pem", key = folder .. "/server.key",
    })
  end

  local function add(list, one)
    for i = 1, #list do
      if list[i] == one then return end
    end
    list[#list + 1] = one
  end

  local function remove(list, one)
    for i = 1, #list do
      if list[i] == one then return table.remove(list, i) end
    end
  end

  -- A connection: onReady(handler) when the handshake is done, onBytes(handler, bytes) for each arrival.
  local function secure(plain, context, on_ready, on_bytes)
    local connection = assert(ssl.wrap(plain, context))
    connection:settimeout(0)
    local handler = { queue = {} }
    local secured = false

    local function shake()
      local done, problem = connection:dohandshake()
      if done then
        secured = true
        remove(writing, connection)
        return on_ready(handler)
      end
      if problem == "wantwrite" then add(writing, connection)
      elseif problem == "wantread" then remove(writing, connection)
      else error(problem) end
    end

    function handler.close()
      remove(reading, connection)
      remove(writing, connection)
      handlers[connection] = nil
      connection:close()
    end

    function handler.read()
      if not secured then return shake() end
      local bytes, problem, part = connection:receive "*a"
      if bytes or problem == "wantread" or problem == "wantwrite" then
        bytes = bytes or part
        if bytes ~= "" then on_bytes(handler, bytes) end
        return
      end
      handler.close()
    end

    function handler.send()
      if not secured then return shake() end
      local queue = handler.queue
      local buffer = table.concat(queue, "", 1, #queue)
      local last, problem, partial = connection:send(buffer, 1, #buffer)
      for i = #queue, 1, -1 do queue[i] = nil end
      if last then return remove(writing, connection) end
      assert(problem == "wantwrite" or problem == "wantread", problem)
      queue[1] = buffer:sub(partial + 1)
    end

    function handler.write(bytes)
      handler.queue[#handler.queue + 1] = bytes
      add(writing, connection)
    end

    handlers[connection] = handler
    add(reading, connection)
    shake()
    return handler
  end

  -- Splits what arrives into lines.
  local function by_lines(on_line)
    local rest = ""
    return function(handler, bytes)
      rest = rest .. bytes
      local from = 1
      while true do
        local stop = rest:find("\n", from, true)
        if not stop then break end
        on_line(handler, rest:sub(from, stop - 1))
        from = stop + 1
      end
      rest = rest:sub(from)
    end
  end

  local function turn()
    local now = ready
    ready = {}
    for _, thread in ipairs(now) do assert(coroutine.resume(thread)) end
    local readable, writable = socket.select(reading, writing, ready[1] and 0 or nil)
    for _, one in ipairs(writable) do
      if handlers[one] then handlers[one].send() end
    end
    for _, one in ipairs(readable) do
      if handlers[one] then handlers[one].read() end
    end
  end

  local function connect_to(port)
    local thread = coroutine.running()
    local answer
    local handler = secure(assert(socket.connect("127.0.0.1", port)), client_context,
      function() ready[#ready + 1] = thread end,
      by_lines(function(_, line)
        answer = line
        assert(coroutine.resume(thread))
      end))
    coroutine.yield()
    local function exchange(line)
      handler.write(line .. "\n")
      coroutine.yield()
      return answer
    end
    return exchange, handler.close
  end

  function library.run(clients, visit)
    local listener = assert(socket.bind("127.0.0.1", 0, 1024))
    local _, port = listener:getsockname()
    listener:settimeout(0)
    handlers[listener] = {
      read = function()
        local plain = listener:accept()
        if not plain then return end
        secure(plain, server_context, function() end,
          by_lines(function(handler, line) handler.write(line .. "\n") end))
      end,
    }
    add(reading, listener)
    for _ = 1, clients do
      ready[#ready + 1] = coroutine.create(function() visit(function() return connect_to(port) end) end)
    end
    while true do turn() end
  end

  function library.pause()
    ready[#ready + 1] = coroutine.running()
    coroutine.yield()
  end

  return library
end
