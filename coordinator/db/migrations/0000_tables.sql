CREATE TABLE `dataset` (
	`sha256` text PRIMARY KEY NOT NULL,
	`bytes` integer NOT NULL,
	`source` text NOT NULL,
	`store_key` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `job` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`owner` text NOT NULL,
	`manifest` text NOT NULL,
	`dataset_hash` text NOT NULL,
	`dataset_bytes` integer NOT NULL,
	`created_at` integer NOT NULL,
	`state` text NOT NULL,
	`reason` text NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`round` integer DEFAULT 0 NOT NULL,
	`tokens` integer DEFAULT 0 NOT NULL,
	`tokens_per_second` real DEFAULT 0 NOT NULL,
	`progress` real DEFAULT 0 NOT NULL,
	`eta_ms` real,
	`train_loss` real,
	`validation_loss` real,
	`workers` text DEFAULT '[]' NOT NULL,
	`workers_present` integer DEFAULT 0 NOT NULL,
	`evaluation` text
);
--> statement-breakpoint
CREATE INDEX `job_by_state` ON `job` (`state`,`created_at`);--> statement-breakpoint
CREATE TABLE `ledger_event` (
	`seq` integer PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`at` integer NOT NULL,
	`type` text NOT NULL,
	`version` integer NOT NULL,
	`subject` text NOT NULL,
	`data` text NOT NULL,
	`leaf_hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_event_key_unique` ON `ledger_event` (`key`);--> statement-breakpoint
CREATE INDEX `ledger_event_by_subject` ON `ledger_event` (`subject`,`seq`);--> statement-breakpoint
CREATE TABLE `ledger_head` (
	`id` integer PRIMARY KEY NOT NULL,
	`frontier` text NOT NULL,
	`root` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `worker` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`adapter` text NOT NULL,
	`name` text NOT NULL,
	`job_id` text,
	`seen_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `worker_by_seen` ON `worker` (`seen_at`);