"""Templates of source code: whole definitions with blanks for names, numbers and texts."""

PYTHON = (
    '''def {verb}_{noun}({noun2}: {pascal}, *, {adjective}: bool = False) -> {pascal2} | None:
    """{sentence}"""
    if {noun2}.{noun3} is None:
        raise ValueError(f"{noun2} {{{noun2}.id}} has no {noun3}: {short}")
    {noun} = {verb2}_{noun3}({noun2}, limit={number})
    if {adjective} and len({noun}) > {number2}:
        logger.warning("{short}", extra={{"{noun}": len({noun})}})
    return {pascal2}({noun}={noun}, {noun3}={noun2}.{noun3})
''',
    '''@dataclass(frozen=True)
class {pascal}:
    """{sentence}"""

    {noun}: str
    {noun2}_id: int
    {adjective}_{noun3}: float = {number}.{number2}
    {noun3}s: tuple[{pascal2}, ...] = ()

    def {verb}(self, {noun3}: {pascal2}) -> "{pascal}":
        # {comment}
        if {noun3} in self.{noun3}s:
            return self
        return replace(self, {noun3}s=(*self.{noun3}s, {noun3}))
''',
    '''async def {verb}_all_{noun}s(session: Session, {noun2}: str) -> list[{pascal}]:
    """{sentence}"""
    rows = await session.fetch(
        "select id, {noun}, {noun3}_at from {noun2}s where {adjective} = $1 and {noun3}_at > $2 limit {number}",
        True,
        datetime.now(timezone.utc) - timedelta(days={number2}),
    )
    {noun}s: list[{pascal}] = []
    for row in rows:
        # {comment}
        {noun}s.append({pascal}(row["id"], {noun}=row["{noun}"]))
    return {noun}s
''',
    """def test_{adjective}_{noun}_can_{verb}_once({noun2}_factory):
    {noun2} = {noun2}_factory({noun}="{short}", {noun3}={number})
    {verb}_{noun}({noun2})
    {verb}_{noun}({noun2})
    assert {noun2}.{noun3} == {number}
    assert [{noun}.name for {noun} in {noun2}.{noun}s] == ["{adjective}", "{noun3}-{number2}"]
""",
    """{upper}_{upper2} = {{
    "{noun}": "{short}",
    "{noun2}": {number},
    "{adjective}_{noun3}": ["{verb}", "{verb2}", "{noun}"],
    "retries": {number2},
}}
""",
)
TYPESCRIPT = (
    """export async function {camel}({noun}: {pascal}, options: {pascal2}Options = {{}}): Promise<{pascal2}[]> {{
  const {{ {noun2} = {number}, {adjective} = false }} = options;
  // {comment}
  const response = await fetch(`${{baseUrl}}/{noun}s/${{{noun}.id}}/{noun3}s?limit=${{{noun2}}}`);
  if (!response.ok) {{
    throw new {pascal}Error(`{short}: ${{response.status}}`);
  }}
  const {noun3}s = (await response.json()) as {pascal2}[];
  return {adjective} ? {noun3}s.filter(({noun3}) => {noun3}.{noun2}Count > {number2}) : {noun3}s;
}}
""",
    """interface {pascal}Props {{
  /** {sentence} */
  {noun}: {pascal2};
  {noun2}Id: string;
  on{pascal2}?: ({noun3}: number) => void;
}}

export function {pascal}({{ {noun}, {noun2}Id, on{pascal2} }}: {pascal}Props) {{
  const [{noun3}, set{pascal2}] = useState({number});
  useEffect(() => {{
    // {comment}
    const timer = setTimeout(() => set{pascal2}({number2}), {number}0);
    return () => clearTimeout(timer);
  }}, [{noun2}Id]);
  return (
    <section className="{adjective}-{noun} p-{number2}">
      <h2>{short}</h2>
      <button onClick={{() => on{pascal2}?.({noun3})}}>{verb} {noun2}</button>
    </section>
  );
}}
""",
    """describe("{pascal}", () => {{
  it("{verb}s the {adjective} {noun}", async () => {{
    const {noun2} = make{pascal2}({{ {noun3}: {number}, name: "{short}" }});
    const result = await {camel}({noun2});
    expect(result).toHaveLength({number2});
    expect(result[0].{noun}).toEqual("{adjective}-{noun3}");
  }});
}});
""",
)
GO = (
    """// {pascal} {verb}s the {adjective} {noun}. {sentence}
func ({letter} *{pascal2}) {pascal}(ctx context.Context, {noun} string, {noun2} int) ([]{pascal2}Row, error) {{
	if {noun2} > {number} {{
		return nil, fmt.Errorf("{short}: %d", {noun2})
	}}
	rows, err := {letter}.db.QueryContext(ctx, {camel}Query, {noun}, {number2})
	if err != nil {{
		return nil, fmt.Errorf("{verb} {noun}: %w", err)
	}}
	defer rows.Close()
	// {comment}
	return scan{pascal2}Rows(rows)
}}
""",
    """type {pascal} struct {{
	{pascal2}ID   int64             `json:"{noun}_id"`
	{pascal}Name string            `json:"{noun2}_name,omitempty"`
	Labels       map[string]string `json:"{adjective}_labels"` // {comment}
	Limit        int               `json:"{noun3}_limit" default:"{number}"`
}}
""",
)
CONFIG = (
    """{noun}:
  {noun2}: "{short}"
  {adjective}_{noun3}: {number}
  {verb}:
    - name: {noun}-{number2}
      image: registry.invalid/{noun2}/{noun3}:{number}.{number2}
      command: ["{verb}", "--{adjective}", "{noun3}={number}"]
""",
)
TOML = (
    """[{noun}.{noun2}]
{adjective} = true
{noun3} = "{short}"
limit = {number}
# {comment}
""",
)
MARKDOWN = (
    """## {title}

{sentence} {sentence2}

- `{camel}` {sentence2}
- **{adjective} {noun}**: {short}
- {sentence}

```bash
make {verb}-{noun} LIMIT={number} {upper}={number2}
```
""",
    """### {title} ({number})

{sentence2}

| {noun} | {noun2} | {noun3} |
|---|---|---|
| `{camel}` | {number} | {adjective} |
| `{pascal}` | {number2} | {short} |

{sentence}
""",
)
SHELL = (
    """{verb}_{noun}() {{
  # {comment}
  local {noun2}="${{1:-{adjective}}}"
  for {noun3} in "$ROOT"/{noun2}s/*.{noun}; do
    [[ -s "${noun3}" ]] || continue
    {verb2} --{adjective} --limit {number} "${noun3}" >> "$LOG" || echo "{short}" >&2
  done
}}
""",
)
LANGUAGES = {
    ".py": PYTHON,
    ".ts": TYPESCRIPT,
    ".tsx": TYPESCRIPT,
    ".go": GO,
    ".yaml": CONFIG,
    ".toml": TOML,
    ".md": MARKDOWN,
    ".sh": SHELL,
}
