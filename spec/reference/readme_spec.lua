-- The README keeps its word: it fits a page, its programs are Lua, and each feature that it names has a spec.
-- (spec/reference/chapters_spec.lua runs its programs and follows its links.)
local judge = require "spec.support.judge"

local readme = judge.read "README.md"

describe("README.md", function()
  it("fits a page", function()
    assert.is_true(select(2, readme:gsub("\n", "")) <= 150)
  end)

  it("links to each chapter", function()
    for _, chapter in ipairs(require "scissl.doc.index".chapters) do
      assert.truthy(readme:find("lua/scissl/doc/" .. chapter.file, 1, true), chapter.file)
    end
  end)

  local number = 0
  for block in readme:gmatch "```lua\n(.-)```" do
    number = number + 1
    it(("has a program that can be compiled, the %d."):format(number), function()
      assert(load(block, "=README.md"))
    end)
  end
end)

describe("The table of features", function()
  it("names a spec in each row of scissl's column, or says no", function()
    local table_of_features = judge.read "lua/scissl/doc/12-features.md":match "|%-[|%-]+|\n(.-)\n\n"
    local count = 0
    for feature, cell in table_of_features:gmatch "| ([^|]+) | ([^|]+) |[^\n]*" do
      count = count + 1
      local linked = cell:find("](../../../spec/", 1, true)
      assert.truthy(linked or cell:find "^no" or feature == "Lua versions", feature)
    end
    assert.is_true(count > 50)
  end)
end)

describe("The table of the document's rows", function()
  it("has each row once, with a spec that names it", function()
    local number = 0
    for row, cells in judge.read "lua/scissl/doc/13-the-document-row-by-row.md":gmatch "\n| S(%d+) |([^\n]*)" do
      number = number + 1
      assert.equal(number, tonumber(row))
      local path = assert(cells:match "%]%(%.%./%.%./%.%./(spec/[^%)]+)%)", row)
      assert.truthy(judge.read(path):find("%f[%w]S%d"), path)
    end
    assert.equal(16, number)
  end)
end)

describe("The other documents", function()
  it("link to what is there", function()
    local pipe <close> = assert(io.popen "ls CHANGELOG.md .github/*.md 2>/dev/null")
    for path in pipe:lines() do
      local folder = path:match "^(.*/)" or ""
      for target in judge.read(path):gmatch "%]%(([^%)#%s]+)[^%)]*%)" do
        if not target:find "^%a+:" then assert.truthy(io.open(folder .. target), path .. ": " .. target) end
      end
    end
  end)
end)
