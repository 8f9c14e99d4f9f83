-- Every block of code in the README and the chapters is a program that runs alone, with the files and the server of
-- chapter 1 and without any variable from elsewhere. An invisible comment before a block has what prepares the test
-- (see spec/support/reference/stage.lua); `needs NAME` in it names a Lua module that the program uses, and with
-- `no trust` the system trusts none of our CAs.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"
local old_modules = require "spec.support.old_modules"

old_modules.add("copas", "coxpcall")

local root = shell.run "pwd":match "^(.-)\n"

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

-- Answers the blocks of a file: { language, code, line, preparation }.
local function blocks_of(path)
  local blocks, block, comment = {}, nil, nil
  for number, line in ipairs(lines_of(path)) do
    if block then
      if line == "```" then block = nil else block.code = block.code .. line .. "\n" end
    elseif line:find "^```" then
      block = { language = line:sub(4), code = "", line = number, preparation = comment and comment.text }
      blocks[#blocks + 1] = block
      comment = nil
    elseif line:find "^<!%-%-" then
      comment = { text = line:gsub("^<!%-%-", ""), open = not line:find "%-%->" }
      comment.text = comment.text:gsub("%-%->.*$", "")
    elseif comment and comment.open then
      comment.open = not line:find "%-%->"
      comment.text = comment.text .. "\n" .. line:gsub("%-%->.*$", "")
    elseif line:find "%S" then
      comment = nil
    end
  end
  return blocks
end

local folders = 0

local function fresh_folder()
  folders = folders + 1
  local folder = ("%s/chapter%d"):format(pki.folder(), folders)
  assert(os.execute("mkdir " .. folder))
  return folder
end

local function run(program, preparation, trusting)
  local path = pki.write(program)
  local starter = ("arg = { %q, %q, %s } dofile %q"):format(
    root, path, preparation and ("%q"):format(preparation) or "nil", root .. "/spec/support/reference/stage.lua")
  local command = ends.luaCommand(starter, {
    LUA_PATH = root .. "/?.lua;" .. package.path:gsub("%./", root .. "/"),
    SSL_CERT_FILE = trusting and "ca.pem" or nil,
  })
  local pipe = assert(io.popen(("cd '%s' && timeout 60 %s 2>&1"):format(fresh_folder(), command)))
  local output = pipe:read "a"
  local good = pipe:close()
  return good, output
end

local function is_missing(preparation)
  for name in (preparation or ""):gmatch "needs ([%w%._]+)" do
    if not (package.searchpath(name, package.cpath) or old_modules.find(name)) then return name end
  end
end

-- Blocks of shell commands that spec/run.sh runs as checks of their own, or that take minutes, by what stands in them.
local checked_by_run = {
  "sh examples/quickstart.sh", "luarocks %-%-lua%-version 5.4 make", "cmake %-S", "sh spec/bench/run.sh",
  "sh spec/bench/streams/run.sh",
  "sh spec/run.sh",
}

local function runs_elsewhere(block)
  for _, pattern in ipairs(checked_by_run) do
    if block.code:find(pattern) then return true end
  end
end

local function check(block)
  local missing = is_missing(block.preparation)
  if missing then return pending(missing .. " is not installed") end
  if block.language == "sh" then
    if runs_elsewhere(block) then return end
    local command = ("cd '%s' && sh -e '%s' 2>&1"):format(fresh_folder(), pki.write(block.code))
    assert.truthy(os.execute(command .. " >/dev/null"), shell.run(command))
    return
  end
  local preparation, untrusting = (block.preparation or ""):gsub("needs [%w%._]+", ""):gsub("no trust", "")
  local good, output = run(block.code, preparation, untrusting == 0)
  assert.is_true(good, output)
end

local chapters = { "README.md" }
for line in shell.run "LC_ALL=C ls lua/scissl/doc/[0-9]*.md":gmatch "[^\n]+" do chapters[#chapters + 1] = line end

for _, path in ipairs(chapters) do
  describe(path, function()
    for _, block in ipairs(blocks_of(path)) do
      it(("has a program that runs #slow, at line %d"):format(block.line), function()
        assert.truthy(block.language == "lua" or block.language == "sh", "```" .. block.language)
        check(block)
      end)
    end

    it("links to what is there", function()
      local folder = path:match "^(.*/)" or ""
      for target in table.concat(lines_of(path), "\n"):gmatch "%]%(([^%)#%s]+)[^%)]*%)" do
        if not target:find "^https?:" then assert.truthy(io.open(folder .. target), target) end
      end
    end)
  end)
end
