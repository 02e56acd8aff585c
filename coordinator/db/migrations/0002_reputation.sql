CREATE TABLE `reputation` (
	`worker_id` text PRIMARY KEY NOT NULL,
	`banned_until` integer NOT NULL,
	`reputation` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `reputation_by_ban` ON `reputation` (`banned_until`);