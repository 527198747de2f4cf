"""Tool calls: the model's input, the result it gets, and the structured result that Claude Code keeps beside it."""

import binascii
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.demo import words
from pipelines.demo.commands import Run
from pipelines.demo.project import Project
from pipelines.demo.rng import Rng
from pipelines.demo.text import Text, fill, image
from pipelines.demo.transcript import Block, Record
from pipelines.demo.versions import Traits


@dataclass
class Call:
    """One tool call with its result. `touched` is the file it changes and the content before (None: a new file)."""

    name: str
    input: Record
    content: str | list[Block]
    result: object
    is_error: bool = False
    spill: str = ""
    touched: tuple[str, str | None] | None = None
    extra: Record | None = None


@dataclass
class Workbench:
    """The project, the pools of text and the random stream that tool calls draw from."""

    rng: Rng
    text: Text
    runs: list[Run]
    project: Project
    traits: Traits
    largest_image: int = 20_000
    todos: list[Record] | None = None
    next_task: int = 0


def failed(name: str, given: Record, message: str) -> Call:
    """Return a call that failed: its structured result is a string instead of an object."""
    return Call(name, given, f"<tool_use_error>{message}</tool_use_error>", f"Error: {message}", is_error=True)


def bash(workbench: Workbench) -> Call:
    """Return a shell command; one in fourteen fails, one in fifty has an output that is spilled to a file."""
    run = workbench.rng.pick(workbench.runs)
    given: Record = {"command": run.command, "description": run.description}
    if workbench.rng.chance(0.07):
        text = f"Exit code {workbench.rng.between(1, 2)}\n{run.output[:2000]}"
        return Call("Bash", given, text, f"Error: {text}", is_error=True)
    result: Record = {"stdout": run.output, "stderr": "", "interrupted": False, "isImage": False}
    if workbench.traits.since(2, 1, 96):
        result["noOutputExpected"] = False
    if workbench.rng.chance(0.02):
        long = "\n".join(
            workbench.rng.pick(workbench.runs).output for _ in range(max(3, int(12 * workbench.text.scale)))
        )
        long = long[: 6 * workbench.largest_image]
        return Call("Bash", given, "", result | {"stdout": long[:2000]}, spill=long)
    return Call("Bash", given, run.output, result)


def numbered(lines: list[str], start: int, traits: Traits) -> str:
    """Return lines with their numbers, as the Read tool shows them."""
    if traits.since(2, 1, 150):
        return "\n".join([f"{number}\t{line}" for number, line in enumerate(lines, start)])
    return "\n".join([f"{number:6}→{line}" for number, line in enumerate(lines, start)])


def read(workbench: Workbench) -> Call:
    """Return a Read of a file or a part of it; rarely of an image, or of a missing file."""
    rng, project = workbench.rng, workbench.project
    if rng.chance(0.004):
        return read_image(workbench)
    path = rng.pick(project.names)
    given: Record = {"file_path": project.absolute(path)}
    if rng.chance(0.05):
        given["file_path"] = project.absolute(path) + ".bak"
        text = f"File does not exist. Note: your current working directory is {project.cwd}."
        return Call("Read", given, text, f"Error: {text}", is_error=True)
    lines = project.files[path].split("\n")
    start, count = 1, len(lines)
    if count > 120 and rng.chance(0.5):
        start, count = rng.between(1, count - 60), rng.between(40, 120)
        given |= {"offset": start, "limit": count}
    part = lines[start - 1 : start - 1 + count]
    file: Record = {
        "filePath": given["file_path"],
        "content": "\n".join(part),
        "numLines": len(part),
        "startLine": start,
        "totalLines": len(lines),
    }
    return Call("Read", given, numbered(part, start, workbench.traits), {"type": "text", "file": file})


def read_image(workbench: Workbench) -> Call:
    """Return a Read of an image, which the result contains twice."""
    most = workbench.largest_image
    size = workbench.rng.by_quantiles(900, most // 99, most // 30, most // 9, most)
    data = binascii.b2a_base64(image(workbench.rng, size), newline=False).decode()
    path = workbench.project.absolute(f"screenshot-{workbench.rng.hexa(4)}.png")
    source = {"type": "base64", "media_type": "image/png", "data": data}
    result = {"type": "image", "file": {"base64": data, "type": "image/png", "originalSize": size}}
    return Call("Read", {"file_path": path}, [{"type": "image", "source": source}], result)


def edit(workbench: Workbench) -> Call:
    """Return an Edit of a file; one in twenty fails."""
    if workbench.rng.chance(0.05):
        path = workbench.project.absolute(workbench.rng.pick(workbench.project.names))
        given: Record = {"file_path": path, "old_string": "x", "new_string": "y", "replace_all": False}
        return failed("Edit", given, "File has been modified since read, either by the user or by a linter.")
    return change(workbench)


def change(workbench: Workbench) -> Call:
    """Return an Edit that succeeds and changes a few lines."""
    changed = workbench.project.edit(workbench.rng, workbench.text)
    path = workbench.project.absolute(changed.path)
    given: Record = {"replace_all": False, "file_path": path, "old_string": changed.old, "new_string": changed.new}
    result: Record = {
        "filePath": path,
        "oldString": changed.old,
        "newString": changed.new,
        "originalFile": changed.before,
        "structuredPatch": changed.patch,
        "userModified": workbench.rng.chance(0.03),
        "replaceAll": False,
    }
    text = f"The file {path} has been updated successfully."
    return Call("Edit", given, text, result, touched=(changed.path, changed.before))


def write(workbench: Workbench) -> Call:
    """Return a Write of a new or an existing file."""
    rng, project = workbench.rng, workbench.project
    if len(project.names) < 40 or rng.chance(0.3):
        return create(workbench)
    relative = rng.pick(project.names)
    before = project.files[relative]
    content = workbench.text.source(rng, relative[relative.rindex(".") :])
    project.put(relative, content)
    path = project.absolute(relative)
    result: Record = {"type": "update", "filePath": path, "content": content, "structuredPatch": []}
    message = f"The file {path} has been updated."
    return Call(
        "Write",
        {"file_path": path, "content": content},
        message,
        result | {"originalFile": before},
        touched=(relative, before),
    )


def create(workbench: Workbench) -> Call:
    """Return a Write of a new file."""
    relative, content = workbench.project.create(workbench.rng, workbench.text)
    path = workbench.project.absolute(relative)
    result: Record = {"type": "create", "filePath": path, "content": content, "structuredPatch": []}
    message = f"File created successfully at: {path}"
    call = Call("Write", {"file_path": path, "content": content}, message, result | {"originalFile": None})
    call.touched = (relative, None)
    return call


def grep(workbench: Workbench) -> Call:
    """Return a Grep: a search in the contents of files."""
    rng, project = workbench.rng, workbench.project
    given: Record = {"pattern": rng.pick(words.NOUNS), "path": project.cwd, "output_mode": "content", "-n": True}
    if rng.chance(0.4):
        names = rng.some(project.names, rng.between(0, 9))
        text = f"Found {len(names)} files\n" + "\n".join(names) if names else "No files found"
        result: Record = {"mode": "files_with_matches", "filenames": names, "numFiles": len(names)}
        return Call("Grep", {"pattern": given["pattern"]}, text, result)
    found = [
        f"{rng.pick(project.names)}:{rng.between(1, 300)}:{workbench.text.snippet(rng, '.py')[:80]}" for _ in range(5)
    ]
    text = "\n".join(line.partition("\n")[0] for line in found)
    return Call(
        "Grep", given, text, {"mode": "content", "numFiles": 0, "filenames": [], "content": text, "numLines": 5}
    )


def glob(workbench: Workbench) -> Call:
    """Return a Glob: a search for file names."""
    names = [
        workbench.project.absolute(name)
        for name in workbench.rng.some(workbench.project.names, workbench.rng.between(0, 12))
    ]
    result = {
        "filenames": names,
        "durationMs": workbench.rng.between(2, 900),
        "numFiles": len(names),
        "truncated": False,
    }
    return Call("Glob", {"pattern": "**/*.py"}, "\n".join(names) or "No files found", result)


def todo_write(workbench: Workbench) -> Call:
    """Return a TodoWrite that replaces the todo list."""
    rng = workbench.rng
    old = workbench.todos or []
    new = [todo_item(rng, workbench.traits, index) for index in range(rng.between(2, 6))]
    workbench.todos = new
    text = (
        "Todos have been modified successfully. Ensure that you continue to use the todo list to track your progress."
    )
    return Call("TodoWrite", {"todos": new}, text, {"oldTodos": old, "newTodos": new})


def todo_item(rng: Rng, traits: Traits, index: int) -> Record:
    """Return one item of a todo list, in the schema of the version."""
    content = fill(rng, "{title} {noun2}")
    item: Record = {"content": content, "status": ("completed", "in_progress", "pending")[min(2, index)]}
    if not traits.since(1, 0, 90):
        return item | {"priority": rng.pick(("high", "medium", "low")), "id": str(index + 1)}
    if not traits.since(1, 0, 110):
        return item | {"id": str(index + 1)}
    return item | {"activeForm": f"Working: {content}"}


def task_create(workbench: Workbench) -> Call:
    """Return a TaskCreate."""
    workbench.next_task += 1
    subject = fill(workbench.rng, "{title} {noun2}")
    given: Record = {
        "subject": subject,
        "description": workbench.text.sentences(workbench.rng, 1),
        "activeForm": f"Doing: {subject}",
    }
    result = {"task": {"id": str(workbench.next_task), "subject": subject}}
    return Call("TaskCreate", given, f"Task #{workbench.next_task} created successfully: {subject}", result)


def task_update(workbench: Workbench) -> Call:
    """Return a TaskUpdate that marks a task as completed."""
    if not workbench.next_task:
        return task_create(workbench)
    number = str(workbench.rng.between(1, workbench.next_task))
    given: Record = {"taskId": number, "status": "completed"}
    change = {"from": "in_progress", "to": "completed"}
    result = {"success": True, "taskId": number, "updatedFields": ["status"], "statusChange": change}
    return Call("TaskUpdate", given, f"Updated task #{number} status", result)


def web_fetch(workbench: Workbench) -> Call:
    """Return a WebFetch of one page."""
    rng = workbench.rng
    url = f"https://docs.example.com/{rng.pick(words.NOUNS)}/{rng.pick(words.NOUNS)}.html"
    text = workbench.text.prose(rng, rng.between(2, 6))
    result: Record = {"bytes": len(text) * 9, "code": 200, "codeText": "OK", "result": text}
    result |= {"durationMs": rng.between(300, 9000), "url": url}
    return Call("WebFetch", {"url": url, "prompt": workbench.text.sentences(rng, 1)}, text, result)


def web_search(workbench: Workbench) -> Call:
    """Return a WebSearch."""
    rng = workbench.rng
    query = fill(rng, "{verb} {adjective} {noun} {noun2} 2026")
    links = [
        {"title": fill(rng, "{title}"), "url": f"https://example.org/{rng.hexa(8)}"} for _ in range(rng.between(3, 9))
    ]
    summary = workbench.text.prose(rng, 2)
    found = {"tool_use_id": f"srvtoolu_01{rng.token(22)}", "content": links}
    result = {"query": query, "results": [found, summary], "durationSeconds": rng.between(10, 99) / 7}
    return Call("WebSearch", {"query": query}, f'Web search results for query: "{query}"\n\n{summary}', result)


def mcp(workbench: Workbench) -> Call:
    """Return a call of a tool of an MCP server: its structured result is a list of blocks."""
    text = workbench.text.prose(workbench.rng, 1)
    name = workbench.rng.pick(("mcp__issue-tracker__search_issues", "mcp__知识库__查询", "mcp__browser__take_snapshot"))
    blocks: list[Block] = [{"type": "text", "text": text}]
    extra: Record | None = (
        {"mcpMeta": {"structuredContent": {"count": 1}}} if workbench.traits.since(2, 1, 96) else None
    )
    return Call(name, {"query": fill(workbench.rng, "{noun} {noun2}")}, blocks, blocks, extra=extra)


def tool_search(workbench: Workbench) -> Call:
    """Return a ToolSearch that loads a deferred tool."""
    names = ["WebFetch"]
    result = {"matches": names, "query": "select:WebFetch", "total_deferred_tools": 26}
    reference: list[Block] = [{"type": "tool_reference", "tool_name": "WebFetch"}]
    return Call("ToolSearch", {"query": "select:WebFetch"}, reference, result)


def ask(workbench: Workbench) -> Call:
    """Return an AskUserQuestion, with the user's answer."""
    question = fill(workbench.rng, "Should the {noun} stay {adjective}?")
    options = [{"label": "Yes", "description": "Keep it"}, {"label": "No", "description": "Change it"}]
    questions = [{"question": question, "header": "Choice", "options": options, "multiSelect": False}]
    result = {"questions": questions, "answers": {question: "Yes"}}
    return Call("AskUserQuestion", {"questions": questions}, f'User has answered: "{question}"="Yes"', result)


Tool = Callable[[Workbench], Call]


def tools_of(traits: Traits) -> tuple[Tool, ...]:
    """Return the tools that a version has, the frequent ones several times so that they are picked more often."""
    usual: tuple[Tool, ...] = (
        read,
        read,
        read,
        read,
        read,
        bash,
        bash,
        bash,
        bash,
        bash,
        edit,
        edit,
        edit,
        write,
        grep,
        glob,
    )
    rare: tuple[Tool, ...] = (web_fetch, mcp)
    if traits.since(2, 1, 96):
        rare += (tool_search, web_search, ask)
    planning: tuple[Tool, ...] = (task_create, task_update) if traits.has_tasks else (todo_write, todo_write)
    return usual * 2 + rare + planning
