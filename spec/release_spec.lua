-- spec/support/release.sh, in a repository of its own that has the files of this one.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local read_file = require "spec.support.files".read

local files = { "CHANGELOG.md", "scissl-scm-1.rockspec", "lua/scissl/init.lua", "spec/support/release.sh",
  "spec/support/setup.sh" }

local place
local made = 0

-- Runs shell commands in the repository. Returns their output, and whether they succeeded.
local function run(commands)
  local pipe = assert(io.popen(("cd '%s' && { %s\n} 2>&1"):format(place, commands)))
  local output = pipe:read "a"
  return output, (pipe:close())
end

local function must(commands)
  local output, good = run(commands)
  assert.is_true(good, output)
  return (output:gsub("\n$", ""))
end

local function contents(path)
  return assert(read_file(place .. "/" .. path))
end

local function write(path, text)
  local file <close> = assert(io.open(place .. "/" .. path, "w"))
  assert(file:write(text))
end

local function commit_all() must "git add -A && git commit -q -m change" end

local function release(version) return run("sh spec/support/release.sh " .. version) end

-- A repository with the files as they are here, and a CHANGELOG with one change that is not released.
local function make_repository()
  made = made + 1
  place = ("%s/release%d"):format(pki.folder(), made)
  for _, path in ipairs(files) do
    local folder = path:match "^(.*)/" or ""
    assert(os.execute(("mkdir -p '%s/%s' && cp '%s' '%s/%s'"):format(place, folder, path, place, path)))
  end
  write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n### Added\n\n- Something.\n")
  must "git init -q && git config user.name tester && git config user.email tester@example.org"
  commit_all()
end

-- Runs the release, which must refuse for this reason and leave everything as it was.
local function is_refused(version, reason)
  local before = must "git log --all --format=%H && git tag && git status --porcelain"
  local output, good = release(version)
  assert.is_nil(good)
  assert.truthy(output:find(reason, 1, true), output)
  assert.are.equal(before, must "git log --all --format=%H && git tag && git status --porcelain")
end

describe("release.sh #slow", function()
  local it = ends.has "git" and it or function(name) pending(name .. " (git is not installed)") end

  before_each(function() if ends.has "git" then make_repository() end end)

  it("commits and tags the version, and leaves a clean tree", function()
    local output, good = release "1.2.3"
    assert.is_true(good, output)
    assert.are.equal("Release 1.2.3", must "git log -1 --format=%s")
    assert.are.equal("v1.2.3", must "git describe --exact-match")
    assert.are.equal("", must "git status --porcelain")
  end)

  it("sets the version of the module, and changes nothing else in it", function()
    local before = contents "lua/scissl/init.lua"
    release "1.2.3"
    assert.are.equal((before:gsub('"scissl %d+%.%d+%.%d+"', '"scissl 1.2.3"')), contents "lua/scissl/init.lua")
  end)

  it("dates what was unreleased", function()
    release "1.2.3"
    assert.are.equal(("# Changelog\n\n## Unreleased\n\n## 1.2.3 (%s)\n\n### Added\n\n- Something.\n"):format(
      os.date "!%Y-%m-%d"), contents "CHANGELOG.md")
  end)

  it("writes a rockspec of that version and tag, which is otherwise that of scm", function()
    release "1.2.3"
    local function read(name)
      local fields = {}
      assert(load(contents(name), name, "t", fields))()
      return fields
    end
    local expected = read "scissl-scm-1.rockspec"
    expected.version, expected.source.tag = "1.2.3-1", "v1.2.3"
    assert.are.same(expected, read "scissl-1.2.3-1.rockspec")
    if ends.has "luarocks" then must "luarocks lint scissl-1.2.3-1.rockspec" end
  end)

  it("puts the rockspec in place of that of the release before", function()
    release "1.2.3"
    write("CHANGELOG.md", (contents "CHANGELOG.md":gsub("Unreleased\n", "Unreleased\n\n- More.\n", 1)))
    commit_all()
    local output, good = release "1.10.0"
    assert.is_true(good, output)
    assert.are.equal("scissl-1.10.0-1.rockspec\nscissl-scm-1.rockspec", must "ls *.rockspec")
    assert.truthy(contents "CHANGELOG.md":find "## Unreleased\n\n## 1.10.0 %([%d-]+%)\n\n%- More.\n\n## 1.2.3 ")
  end)

  it("works from another folder", function()
    must "mkdir -p '../elsewhere here' && cd '../elsewhere here' && sh \"$OLDPWD/spec/support/release.sh\" 1.2.3"
    assert.are.equal("v1.2.3", must "git describe --exact-match")
  end)

  it("refuses what is no version", function()
    is_refused("", "usage: ")
    is_refused("1.2.3 1.2.4", "usage: ")
    for _, version in ipairs { "1.2", "v1.2.3", "1.2.3-1", "1.02.3", "1.2.3.4", "latest", "'1.2.3 '", "''" } do
      is_refused(version, "A version is three numbers")
    end
  end)

  it("refuses where changes are not committed", function()
    write("CHANGELOG.md", contents "CHANGELOG.md" .. "- More.\n")
    is_refused("1.2.3", "changes that are not committed")
    must "git checkout -q CHANGELOG.md && touch new"
    is_refused("1.2.3", "changes that are not committed")
  end)

  it("refuses a version that exists: as a tag, in the CHANGELOG, as a rockspec", function()
    release "1.2.3"
    is_refused("1.2.3", "The tag v1.2.3 exists")
    must "git tag -d v1.2.3"
    is_refused("1.2.3", "CHANGELOG.md has a version 1.2.3")
    must "git reset -q --hard HEAD^ && touch scissl-1.2.3-1.rockspec && git add -A && git commit -q -m rockspec"
    is_refused("1.2.3", "scissl-1.2.3-1.rockspec exists")
  end)

  it("refuses a version that is earlier than the last", function()
    release "1.10.0"
    write("CHANGELOG.md", (contents "CHANGELOG.md":gsub("Unreleased\n", "Unreleased\n\n- More.\n", 1)))
    commit_all()
    is_refused("1.9.9", "1.9.9 is earlier than 1.10.0")
  end)

  it("refuses where nothing is unreleased", function()
    release "1.2.3"
    is_refused("1.2.4", "CHANGELOG.md has nothing below")
  end)
end)
