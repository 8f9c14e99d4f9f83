-- The README keeps its word: what it links to is there, and its programs are Lua.
local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local readme = contents "README.md"

describe("README.md", function()
  local seen = {}
  for target in readme:gmatch "%]%(([%w_/%.%-]+)%)" do
    if not seen[target] then
      seen[target] = true
      it("links to " .. target, function() assert.truthy(io.open(target), target) end)
    end
  end

  it("links each capability to a spec", function()
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.is_true(count > 30)
  end)

  local number = 0
  for block in readme:gmatch "```lua\n(.-)```" do
    number = number + 1
    it(("has a program that can be compiled, the %d."):format(number), function()
      assert(load(block, "=README.md"))
    end)
  end
end)
