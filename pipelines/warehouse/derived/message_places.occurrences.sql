select * from warehouse.occurrences semi join touched using (message_id)
