"""Tool calls: what the model asks for, what it gets back, and the structured result that is kept beside it."""

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
    """One tool call with its outcome. `touched` is a file that it changes, with its content before (None: new)."""

    name: str
    input: Record
    content: str | list[Block]
    result: object
    is_error: bool = False
    spill: str = ""
    touched: tuple[str, str | None] | None = None
    extra: Record | None = None


@dataclass
class Bench:
    """What the tools work on."""

    rng: Rng
    text: Text
    runs: list[Run]
    project: Project
    traits: Traits
    largest_image: int = 20_000
    todos: list[Record] | None = None
    next_task: int = 0


def failed(name: str, given: Record, message: str) -> Call:
    """Return a call that was refused: the result is then a text."""
    return Call(name, given, f"<tool_use_error>{message}</tool_use_error>", f"Error: {message}", is_error=True)


def bash(bench: Bench) -> Call:
    """Return a shell command; one in fourteen fails, one in fifty prints so much that it goes into a file."""
    run = bench.rng.pick(bench.runs)
    given: Record = {"command": run.command, "description": run.description}
    if bench.rng.chance(0.07):
        text = f"Exit code {bench.rng.between(1, 2)}\n{run.output[:2000]}"
        return Call("Bash", given, text, f"Error: {text}", is_error=True)
    result: Record = {"stdout": run.output, "stderr": "", "interrupted": False, "isImage": False}
    if bench.traits.since(2, 1, 96):
        result["noOutputExpected"] = False
    if bench.rng.chance(0.02):
        long = "\n".join(bench.rng.pick(bench.runs).output for _ in range(max(3, int(12 * bench.text.scale))))
        long = long[: 6 * bench.largest_image]
        return Call("Bash", given, "", result | {"stdout": long[:2000]}, spill=long)
    return Call("Bash", given, run.output, result)


def numbered(lines: list[str], start: int, traits: Traits) -> str:
    """Return lines with their numbers, as the Read tool shows them."""
    if traits.since(2, 1, 150):
        return "\n".join([f"{number}\t{line}" for number, line in enumerate(lines, start)])
    return "\n".join([f"{number:6}→{line}" for number, line in enumerate(lines, start)])


def read(bench: Bench) -> Call:
    """Return the reading of a file or a part of it; rarely of a picture, or of a file that is not there."""
    rng, project = bench.rng, bench.project
    if rng.chance(0.004):
        return read_image(bench)
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
    return Call("Read", given, numbered(part, start, bench.traits), {"type": "text", "file": file})


def read_image(bench: Bench) -> Call:
    """Return the reading of a picture, which stands in the result twice."""
    most = bench.largest_image
    size = bench.rng.spread(900, most // 99, most // 30, most // 9, most)
    data = binascii.b2a_base64(image(bench.rng, size), newline=False).decode()
    path = bench.project.absolute(f"screenshot-{bench.rng.hexa(4)}.png")
    source = {"type": "base64", "media_type": "image/png", "data": data}
    result = {"type": "image", "file": {"base64": data, "type": "image/png", "originalSize": size}}
    return Call("Read", {"file_path": path}, [{"type": "image", "source": source}], result)


def edit(bench: Bench) -> Call:
    """Return a change of a file; one in twenty is refused."""
    if bench.rng.chance(0.05):
        path = bench.project.absolute(bench.rng.pick(bench.project.names))
        given: Record = {"file_path": path, "old_string": "x", "new_string": "y", "replace_all": False}
        return failed("Edit", given, "File has been modified since read, either by the user or by a linter.")
    return change(bench)


def change(bench: Bench) -> Call:
    """Return a call that changes a few lines of a file."""
    changed = bench.project.edit(bench.rng, bench.text)
    path = bench.project.absolute(changed.path)
    given: Record = {"replace_all": False, "file_path": path, "old_string": changed.old, "new_string": changed.new}
    result: Record = {
        "filePath": path,
        "oldString": changed.old,
        "newString": changed.new,
        "originalFile": changed.before,
        "structuredPatch": changed.patch,
        "userModified": bench.rng.chance(0.03),
        "replaceAll": False,
    }
    text = f"The file {path} has been updated successfully."
    return Call("Edit", given, text, result, touched=(changed.path, changed.before))


def write(bench: Bench) -> Call:
    """Return the writing of a file, new or not."""
    rng, project = bench.rng, bench.project
    if len(project.names) < 40 or rng.chance(0.3):
        return create(bench)
    relative = rng.pick(project.names)
    before = project.files[relative]
    content = bench.text.source(rng, relative[relative.rindex(".") :])
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


def create(bench: Bench) -> Call:
    """Return a call that writes a new file."""
    relative, content = bench.project.create(bench.rng, bench.text)
    path = bench.project.absolute(relative)
    result: Record = {"type": "create", "filePath": path, "content": content, "structuredPatch": []}
    message = f"File created successfully at: {path}"
    call = Call("Write", {"file_path": path, "content": content}, message, result | {"originalFile": None})
    call.touched = (relative, None)
    return call


def grep(bench: Bench) -> Call:
    """Return a search in the contents of files."""
    rng, project = bench.rng, bench.project
    given: Record = {"pattern": rng.pick(words.NOUNS), "path": project.cwd, "output_mode": "content", "-n": True}
    if rng.chance(0.4):
        names = rng.some(project.names, rng.between(0, 9))
        text = f"Found {len(names)} files\n" + "\n".join(names) if names else "No files found"
        result: Record = {"mode": "files_with_matches", "filenames": names, "numFiles": len(names)}
        return Call("Grep", {"pattern": given["pattern"]}, text, result)
    found = [f"{rng.pick(project.names)}:{rng.between(1, 300)}:{bench.text.snippet(rng, '.py')[:80]}" for _ in range(5)]
    text = "\n".join(line.partition("\n")[0] for line in found)
    return Call(
        "Grep", given, text, {"mode": "content", "numFiles": 0, "filenames": [], "content": text, "numLines": 5}
    )


def glob(bench: Bench) -> Call:
    """Return a search for names of files."""
    names = [bench.project.absolute(name) for name in bench.rng.some(bench.project.names, bench.rng.between(0, 12))]
    result = {"filenames": names, "durationMs": bench.rng.between(2, 900), "numFiles": len(names), "truncated": False}
    return Call("Glob", {"pattern": "**/*.py"}, "\n".join(names) or "No files found", result)


def todo_write(bench: Bench) -> Call:
    """Return a new todo list in place of the old one."""
    rng = bench.rng
    old = bench.todos or []
    new = [todo_item(rng, bench.traits, index) for index in range(rng.between(2, 6))]
    bench.todos = new
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


def task_create(bench: Bench) -> Call:
    """Return a new task."""
    bench.next_task += 1
    subject = fill(bench.rng, "{title} {noun2}")
    given: Record = {
        "subject": subject,
        "description": bench.text.sentences(bench.rng, 1),
        "activeForm": f"Doing: {subject}",
    }
    result = {"task": {"id": str(bench.next_task), "subject": subject}}
    return Call("TaskCreate", given, f"Task #{bench.next_task} created successfully: {subject}", result)


def task_update(bench: Bench) -> Call:
    """Return a task that is done."""
    if not bench.next_task:
        return task_create(bench)
    number = str(bench.rng.between(1, bench.next_task))
    given: Record = {"taskId": number, "status": "completed"}
    change = {"from": "in_progress", "to": "completed"}
    result = {"success": True, "taskId": number, "updatedFields": ["status"], "statusChange": change}
    return Call("TaskUpdate", given, f"Updated task #{number} status", result)


def web_fetch(bench: Bench) -> Call:
    """Return the reading of a page of the web."""
    rng = bench.rng
    url = f"https://docs.example.com/{rng.pick(words.NOUNS)}/{rng.pick(words.NOUNS)}.html"
    text = bench.text.prose(rng, rng.between(2, 6))
    result: Record = {"bytes": len(text) * 9, "code": 200, "codeText": "OK", "result": text}
    result |= {"durationMs": rng.between(300, 9000), "url": url}
    return Call("WebFetch", {"url": url, "prompt": bench.text.sentences(rng, 1)}, text, result)


def web_search(bench: Bench) -> Call:
    """Return a search of the web."""
    rng = bench.rng
    query = fill(rng, "{verb} {adjective} {noun} {noun2} 2026")
    links = [
        {"title": fill(rng, "{title}"), "url": f"https://example.org/{rng.hexa(8)}"} for _ in range(rng.between(3, 9))
    ]
    summary = bench.text.prose(rng, 2)
    found = {"tool_use_id": f"srvtoolu_01{rng.token(22)}", "content": links}
    result = {"query": query, "results": [found, summary], "durationSeconds": rng.between(10, 99) / 7}
    return Call("WebSearch", {"query": query}, f'Web search results for query: "{query}"\n\n{summary}', result)


def mcp(bench: Bench) -> Call:
    """Return a call of a tool of an MCP server: its structured result is a list of blocks."""
    text = bench.text.prose(bench.rng, 1)
    name = bench.rng.pick(("mcp__issue-tracker__search_issues", "mcp__知识库__查询", "mcp__browser__take_snapshot"))
    blocks: list[Block] = [{"type": "text", "text": text}]
    extra: Record | None = {"mcpMeta": {"structuredContent": {"count": 1}}} if bench.traits.since(2, 1, 96) else None
    return Call(name, {"query": fill(bench.rng, "{noun} {noun2}")}, blocks, blocks, extra=extra)


def tool_search(bench: Bench) -> Call:
    """Return the loading of a tool that was deferred."""
    names = ["WebFetch"]
    result = {"matches": names, "query": "select:WebFetch", "total_deferred_tools": 26}
    reference: list[Block] = [{"type": "tool_reference", "tool_name": "WebFetch"}]
    return Call("ToolSearch", {"query": "select:WebFetch"}, reference, result)


def ask(bench: Bench) -> Call:
    """Return a question to the person, with the answer."""
    question = fill(bench.rng, "Should the {noun} stay {adjective}?")
    options = [{"label": "Yes", "description": "Keep it"}, {"label": "No", "description": "Change it"}]
    questions = [{"question": question, "header": "Choice", "options": options, "multiSelect": False}]
    result = {"questions": questions, "answers": {question: "Yes"}}
    return Call("AskUserQuestion", {"questions": questions}, f'User has answered: "{question}"="Yes"', result)


Tool = Callable[[Bench], Call]


def kit(traits: Traits) -> tuple[Tool, ...]:
    """Return the tools of a version, the frequent ones several times."""
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
