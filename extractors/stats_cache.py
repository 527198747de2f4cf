"""stats-cache.json: Claude Code's own statistics of its use, rewritten in place and never deleted.

Formats 1, 2, 3 and 5 are known. It survives the transcripts that it was counted from, and has their errors: the output
tokens of 2.1.12 to 2.1.29 are placeholders. Days and hours are in local time. Counts exceed 2^31. See
extractors/FORMATS.md.

    {"version":2,"lastComputedDate":"2026-03-18","dailyActivity":[{"date":"2026-02-03","messageCount":40,…}],
     "dailyModelTokens":[{"date":"2026-02-03","tokensByModel":{"claude-opus-4-5-20251101":197}}],
     "modelUsage":{"claude-opus-4-5-20251101":{"inputTokens":2151,…}},"totalSessions":26,"totalMessages":2359,
     "longestSession":{…},"firstSessionDate":"2026-02-03T02:04:10.418Z","hourCounts":{"9":1},…}
"""

from collections.abc import Iterator

from extractors.reading.contract import Entry, Fields, Reading, Source, shape
from models.schema import FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

STATS_DAILY = Table(
    "stats_daily",
    "One row for each day of stats-cache.json with its activity.",
    (
        Column("activity_on", TEXT, "The day as written, in local time: YYYY-MM-DD.", required=True),
        Column("message_count", INTEGER, "Messages of the day."),
        Column("session_count", INTEGER, "Sessions of the day."),
        Column("tool_call_count", INTEGER, "Tool calls of the day."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

STATS_DAILY_TOKENS = Table(
    "stats_daily_tokens",
    "One row for each day and model of stats-cache.json with its tokens; a day without tokens has one row with NULLs.",
    (
        Column("activity_on", TEXT, "The day as written, in local time: YYYY-MM-DD.", required=True),
        Column("model", TEXT, "The model."),
        Column("token_count", INTEGER, "Input and output tokens, without those of the cache."),
        Column("unparsed", JSON, "Unknown fields of the day, as JSON; the same in each row of the day."),
    ),
    is_rewritten=True,
)

STATS_MODELS = Table(
    "stats_models",
    "One row for each model of stats-cache.json with its totals.",
    (
        Column("model", TEXT, "The model.", required=True),
        Column("input_tokens", INTEGER, "Input tokens, without those of the cache."),
        Column("output_tokens", INTEGER, "Output tokens; too few for versions that wrote placeholders."),
        Column("cache_read_input_tokens", INTEGER, "Tokens read from the cache."),
        Column("cache_creation_input_tokens", INTEGER, "Tokens written to the cache."),
        Column("web_search_count", INTEGER, "Web searches."),
        Column("cost_usd", FLOAT, "Cost in US dollars as written; 0 in all known files."),
        Column("context_window_tokens", INTEGER, "The model's context window in tokens; 0 if unknown."),
        Column("max_output_tokens", INTEGER, "The model's maximum of output tokens; 0 if unknown."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

STATS_TOTALS = Table(
    "stats_totals",
    "One row for stats-cache.json as it was read: the totals.",
    (
        Column("format_version", INTEGER, "Version of the format: 1, 2, 3 and 5 are known.", required=True),
        Column("last_computed_on", TEXT, "The last day that was counted, in local time: YYYY-MM-DD."),
        Column("daily_tokens_version", INTEGER, "Version of the tokens by day, if given."),
        Column("session_count", INTEGER, "Sessions in all."),
        Column("message_count", INTEGER, "Messages in all."),
        Column("first_session_at", INSTANT, "Start of the first session (UTC)."),
        Column("longest_session_id", TEXT, "The longest session."),
        Column("longest_session_ms", INTEGER, "Its duration in milliseconds."),
        Column("longest_session_message_count", INTEGER, "Its messages."),
        Column("longest_session_at", INSTANT, "Its start (UTC)."),
        Column("hour_counts", JSON, "Sessions by the local hour of their start, as a JSON object from hour to count."),
        Column("speculation_saved_ms", INTEGER, "totalSpeculationTimeSavedMs, in milliseconds."),
        Column("shot_distribution", JSON, "shotDistribution, as JSON."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the days, the tokens by day and model, the models and the totals."""
    fields = entry.document()
    version = fields.need_integer("version")
    for day in fields.take_rows("dailyActivity"):
        yield STATS_DAILY.row(
            activity_on=day.need_text("date"),
            message_count=day.take_integer("messageCount"),
            session_count=day.take_integer("sessionCount"),
            tool_call_count=day.take_integer("toolCallCount"),
            unparsed=entry.unparsed("stats_day", day),
        )
    for day in fields.take_rows("dailyModelTokens"):
        yield from _tokens_of_day(entry, day)
    yield from _models(entry, fields)
    yield _totals(entry, fields, version)


def _tokens_of_day(entry: Entry, day: Fields) -> Iterator[Row]:
    date = day.need_text("date")
    by_model = day.take_fields("tokensByModel")
    counts: list[tuple[str | None, int | None]] = []
    if by_model is not None:
        counts.extend((model, by_model.take_integer(model)) for model in by_model.names())
    unparsed = entry.unparsed("stats_day_tokens", day)
    for model, count in counts or [(None, None)]:
        yield STATS_DAILY_TOKENS.row(activity_on=date, model=model, token_count=count, unparsed=unparsed)


def _models(entry: Entry, fields: Fields) -> Iterator[Row]:
    usage = fields.take_fields("modelUsage")
    for name in [] if usage is None else usage.names():
        model = None if usage is None else usage.take_row(name)
        if model is not None:
            yield STATS_MODELS.row(
                model=name,
                input_tokens=model.take_integer("inputTokens"),
                output_tokens=model.take_integer("outputTokens"),
                cache_read_input_tokens=model.take_integer("cacheReadInputTokens"),
                cache_creation_input_tokens=model.take_integer("cacheCreationInputTokens"),
                web_search_count=model.take_integer("webSearchRequests"),
                cost_usd=model.take_float("costUSD"),
                context_window_tokens=model.take_integer("contextWindow"),
                max_output_tokens=model.take_integer("maxOutputTokens"),
                unparsed=entry.unparsed("stats_model", model),
            )


def _totals(entry: Entry, fields: Fields, version: int) -> Row:
    longest = fields.take_fields("longestSession") or Fields({})
    return STATS_TOTALS.row(
        format_version=version,
        last_computed_on=fields.take_text("lastComputedDate"),
        daily_tokens_version=fields.take_integer("dailyModelTokensVersion"),
        session_count=fields.take_integer("totalSessions"),
        message_count=fields.take_integer("totalMessages"),
        first_session_at=fields.take_instant("firstSessionDate"),
        longest_session_id=longest.take_text("sessionId"),
        longest_session_ms=longest.take_integer("duration"),
        longest_session_message_count=longest.take_integer("messageCount"),
        longest_session_at=longest.take_instant("timestamp"),
        hour_counts=fields.take_json("hourCounts"),
        speculation_saved_ms=fields.take_integer("totalSpeculationTimeSavedMs"),
        shot_distribution=fields.take_json("shotDistribution"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("stats"),
    )


SOURCE = Source(
    "stats-cache",
    8,
    "Statistics",
    (shape("stats-cache.json", Reading.DOCUMENT, parse),),
    (STATS_DAILY, STATS_DAILY_TOKENS, STATS_MODELS, STATS_TOTALS),
)
