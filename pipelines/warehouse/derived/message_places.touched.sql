select distinct message_id
from occurrences o
join changed c on c.run_id = o.run_id and c.file_id = o.file_id and o.byte_offset >= c.from_offset
