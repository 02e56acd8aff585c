-- Written by hand: what happened is never changed. RAISE(ABORT) also undoes the rest of the batch it came in.
CREATE TRIGGER `ledger_event_no_update` BEFORE UPDATE ON `ledger_event`
BEGIN
	SELECT RAISE(ABORT, 'the ledger is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `ledger_event_no_delete` BEFORE DELETE ON `ledger_event`
BEGIN
	SELECT RAISE(ABORT, 'the ledger is append-only');
END;
