"""The words that sample texts are made of: people's prompts, answers, names in code."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOUNS = _words(
    """
    account adapter archive balance batch beacon bridge bucket budget buffer calendar campaign canvas cart
    catalog channel checkpoint client cluster column command config contact coupon cursor customer dataset
    deadline delivery device digest document draft driver edge endpoint engine entry event export feature feed
    field filter flag folder forecast form fragment gateway graph grid group handler header history hook import
    index inventory invoice item job journal kernel key label layer ledger lesson limit listener lock loader
    logger manifest mapping marker meter metric migration mirror module monitor node notice offset order outbox
    packet page parcel parser partition patch payload payment peer period pipeline planner player plugin point
    policy pool port price printer probe profile project prompt provider proxy quota query queue quote range
    reader receipt record region registry release report request reservation resource response result retry
    revision role route rule runner sample schedule schema scope segment sensor session shard shipment signal
    sketch slice slot snapshot socket source span spool stage station status step stock storage stream subject
    summary supplier surface switch table tag target tariff task template tenant ticket tile timer token topic
    trace track transfer tree trigger unit upload usage vendor version voucher wallet watcher webhook widget
    window worker workspace zone
    """
)
VERBS = _words(
    """
    accept acquire add align apply archive assemble attach balance bind build cache cancel check claim clean
    close collect combine commit compare compile compute confirm connect convert copy count create decode defer
    delete deliver derive detach detect discard dispatch drain drop emit encode ensure estimate evaluate expand
    expire export extract fetch filter find flatten flush fold format freeze gather group handle hash import
    infer insert inspect join launch limit list load lock log make map mark match measure merge migrate move
    normalize notify open order pack parse patch pause persist pick plan poll prepare prune publish push queue
    read rebuild receive reconcile record reduce refresh register reject release remove rename render repair
    replace replay report reserve reset resolve restore resume retry return rotate run sample save scan schedule
    search select send serialize settle shift sign skip sort split stage start stop store submit sum swap sync
    take tally trace track transfer trim update upload validate verify wait watch wrap write
    """
)
ADJECTIVES = _words(
    """
    active annual atomic blank brief broken calm cheap clean closed cold common compact complete current daily
    dark deep default dirty dry early empty exact external failed fast final first flat foreign free fresh full
    global hidden hot idle inner internal invalid last late latest lazy light linear local long loose main
    manual maximum mean minimum missing mutable narrow native nested new next null old open outer paired
    parallel partial pending plain primary private public pure queued quick random raw ready recent remote
    retried safe secondary secure shared sharp short silent simple single slow small sorted sparse stable stale
    static strict strong sudden total true unique unused upper urgent valid visible warm weekly wide wrong
    """
)
SLUG_ENDINGS = _words(
    """
    acorn badger beacon biscuit brook cascade comet cookie cupcake dolphin ember falcon fern fountain galaxy
    hamster harbor haven island kettle lantern lemur lighthouse maple meadow mochi nebula otter owl panda pebble
    pelican pretzel quilt rainbow raven reef river scone spring stream summit sunrise swan teapot tiger tulip
    valley walrus waterfall willow wombat zephyr
    """
)
SLUG_VERBS = _words(
    """
    baking bouncing brewing chasing conjuring crafting cuddling dancing drifting exploring floating foraging
    gathering gliding growing hopping humming jumping knitting mapping painting petting pondering prancing
    purring roaming sauntering seeking shimmying singing sketching skipping sleeping sniffing snuggling
    splashing sprouting squishing stargazing strolling swimming swinging tickling tumbling twirling waddling
    wandering weaving whistling wibbling wiggling wishing wondering yawning
    """
)
PROMPTS = (
    "please {verb} the {noun} {noun2} in {path}, it breaks when the {noun3} is {adjective}",
    "why does {path} {verb} the {adjective} {noun} twice?",
    "add a test for the {adjective} {noun2} case",
    "can you {verb} {noun} and {noun2} so that the {noun3} stays {adjective}? keep the public names",
    "fix it",
    "the build fails with\n\n{error}\n\nwhat is going on",
    "now {verb} the {noun} as well",
    "write a short {noun} about how we {verb} the {noun2}, in docs/{noun}.md",
    "continue",
    "run the tests again",
    "look at {path} and tell me whether the {noun} could be {adjective} before we {verb} it",
    "I would like the {noun} to {verb} each {noun2} only once. Plan first, don't change anything yet.",
    "rename {noun}_{noun2} to {adjective}_{noun2} everywhere",
    "commit this",
    "no, revert the last change. The {noun} must not {verb} anything while the {noun2} is {adjective}.",
)
UNICODE_PROMPTS = (
    "整理一下 {path} 里的{noun}，然后写测试",
    "何が原因で {noun} が{adjective}になるのか調べてください 🙏",
    "peux-tu vérifier que le « {noun} » n'est pas {adjective} ? merci, à bientôt",
    "prüfe bitte, ob {path} den {noun} größer macht als nötig – und räume auf",
    "почему {noun} снова {adjective}? посмотри {path}",
    "هل يمكنك إصلاح {noun} في {path}؟",
    "수정해줘: {noun} 이(가) {adjective} 상태입니다 👩‍💻🚀",
)
SENTENCES = (
    "The {noun} is {adjective} by the time we {verb} the {noun2}, which is why {ident} returns early.",
    "I'll {verb} the {noun} first and then {verb2} the {adjective} {noun2}.",
    "Let me {verb} {ident} to see how the {noun} reaches the {noun2}.",
    "That explains it: `{ident}` keeps {number} {adjective} {noun}s, but the {noun2} expects at least {number2}.",
    "There are {number} callers of `{ident}`, and only the {noun} one passes a {adjective} {noun2}.",
    "Now the {noun} {noun2} can {verb} without waiting for the {adjective} {noun3}.",
    "Good. The {noun} tests pass ({number} passed, {number2} skipped).",
    "One thing to decide: should a {adjective} {noun} {verb} the {noun2}, or leave it to the {noun3}?",
    "The change in `{path}` is small: {ident} takes the {noun} as a parameter instead of reading it again.",
    "If the {noun} was {adjective}, the old code would {verb} it {number} times before giving up.",
    "I found no place where `{ident}` could {verb} an {adjective} {noun}; the {noun2} guards against that.",
    "Next: {verb} the {noun3}, then {verb2} what is left of the {noun}.",
    "Note that {number}% of the time goes to the {noun} {noun2}, so caching the {adjective} {noun3} is worth it.",
    "I have not touched the {noun} {noun2}, because `{ident}` still depends on its {adjective} order.",
)
UNICODE_SENTENCES = (
    "检查了 {path}：{noun} 的状态是 {adjective}，共 {number} 条记录，需要先{verb}再继续。",
    "次に `{ident}` を確認します。{noun} は {number} 件で、{adjective} です。",
    "Le {noun} n'est lu qu'une fois ; c'est « {ident} » qui décide, à l'étape {number}.",
    "✅ {noun} done → {number} of {number2} ✔ — “{adjective}” is gone… 🎉",
)
COMMENTS = (
    "the {noun} may be {adjective} here",
    "{verb} before the {noun2} is {adjective}",
    "see the {noun} note in docs/{noun2}.md",
    "TODO: {verb} {number} {noun}s at once",
    "keeps the {adjective} {noun} for the next {noun2}",
)
ERRORS = (
    "TypeError: Cannot read properties of undefined (reading '{camel}')",
    "error[E0308]: mismatched types: expected `{pascal}`, found `{pascal2}`",
    'psycopg.errors.UndefinedColumn: column "{noun}_{noun2}" does not exist',
    "AssertionError: assert {number} == {number2}",
    "FileNotFoundError: [Errno 2] No such file or directory: '{path}'",
    "ERROR in ./{path}:{number}:{number2} Module not found: Can't resolve '@/{noun}/{noun2}'",
)
