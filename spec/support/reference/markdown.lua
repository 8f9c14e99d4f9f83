--- Markdown to HTML, the part that the reference needs: headings, paragraphs, lists, tables, code, emphasis and links.
-- LDoc requires it by its name (config.ld). The text that LDoc passes has links and coloured code as HTML already.

local function inline(text)
  local kept = {}
  local function keep(html)
    kept[#kept + 1] = html
    return ("\0%d\0"):format(#kept)
  end
  text = text:gsub("`([^`]+)`", function(code)
    return keep("<code>" .. code:gsub("&", "&amp;"):gsub("<", "&lt;") .. "</code>")
  end)
  text = text:gsub("<[%a/!][^>]*>", keep):gsub("<", "&lt;")
  text = text:gsub("%[([^%]]+)%]%(([^%)%s]+)%)", function(label, target)
    target = target:gsub("^([%w%-]+%.md)", "%1.html")
    return keep(('<a href="%s">'):format(target)) .. label .. keep "</a>"
  end)
  text = text:gsub("%*%*([^%*]+)%*%*", "<strong>%1</strong>"):gsub("%f[%*]%*([^%s%*][^%*]-)%*%f[^%*]", "<em>%1</em>")
  local before
  repeat
    before = text
    text = text:gsub("%z(%d+)%z", function(number) return kept[tonumber(number)] end)
  until text == before
  return text
end

-- ---- blocks: each takes lines from `lines`, beginning with the one at `i`, and returns HTML and the next index

local function heading(lines, i)
  local marks, text = lines[i]:match "^(#+)%s+(.-)%s*#*$"
  return ("<h%d>%s</h%d>"):format(#marks, inline(text), #marks), i + 1
end

local function fence(lines, i)
  local code = {}
  i = i + 1
  while lines[i] and not lines[i]:find "^```" do
    code[#code + 1] = lines[i]:gsub("&", "&amp;"):gsub("<", "&lt;")
    i = i + 1
  end
  return "<pre>" .. table.concat(code, "\n") .. "</pre>", i + 1
end

-- What LDoc has made of a block of code.
local function ready_code(lines, i)
  local from = i
  while lines[i] and not lines[i]:find "</pre>" do i = i + 1 end
  return table.concat(lines, "\n", from, math.min(i, #lines)), i + 1
end

local function html_line(lines, i)
  return lines[i], i + 1
end

local function cells(line, tag)
  local row = {}
  for cell in line:gsub("^%s*|", ""):gsub("|%s*$", "") :gmatch "[^|]+" do
    row[#row + 1] = ("<%s>%s</%s>"):format(tag, inline(cell:match "^%s*(.-)%s*$"), tag)
  end
  return "<tr>" .. table.concat(row) .. "</tr>"
end

local function grid(lines, i)
  local rows = { cells(lines[i], "th") }
  i = i + 2
  while lines[i] and lines[i]:find "^%s*|" do
    rows[#rows + 1] = cells(lines[i], "td")
    i = i + 1
  end
  return '<table class="grid">' .. table.concat(rows, "\n") .. "</table>", i
end

local function is_item(line)
  return line:match "^%s*[%*%-] +(.*)$" or line:match "^%s*%d+%. +(.*)$"
end

local function list(lines, i)
  local tag = lines[i]:find "^%s*%d" and "ol" or "ul"
  local items = {}
  while lines[i] do
    local line = lines[i]
    local text = is_item(line)
    if text then items[#items + 1] = { text }
    elseif line:find "%S" and (line:find "^%s+" or lines[i - 1]:find "%S") then table.insert(items[#items], line)
    elseif line:find "%S" then break
    elseif not (lines[i + 1] and (is_item(lines[i + 1]) or lines[i + 1]:find "^%s+%S")) then break end
    i = i + 1
  end
  local html = {}
  for n, parts in ipairs(items) do html[n] = "<li>" .. inline(table.concat(parts, "\n")) .. "</li>" end
  return ("<%s>\n%s\n</%s>"):format(tag, table.concat(html, "\n"), tag), i
end

local function block_at(lines, i)
  local line = lines[i]
  if line:find "^#+%s" then return heading end
  if line:find "^```" then return fence end
  if line:find "^<pre" then return ready_code end
  if line:find "^<a name=" or line:find "^<!%-%-" then return html_line end
  if line:find "^%s*|" and (lines[i + 1] or ""):find "^%s*|[%s%-:|]+$" then return grid end
  if is_item(line) then return list end
end

local function paragraph(lines, i)
  local from = i
  repeat i = i + 1 until not lines[i] or not lines[i]:find "%S" or block_at(lines, i)
  return "<p>" .. inline(table.concat(lines, "\n", from, i - 1)) .. "</p>", i
end

return function(text)
  local lines, html, i = {}, {}, 1
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  while lines[i] do
    if lines[i]:find "%S" then
      html[#html + 1], i = (block_at(lines, i) or paragraph)(lines, i)
    else
      i = i + 1
    end
  end
  return table.concat(html, "\n\n")
end
