CREATE TABLE schema (
            only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL);
CREATE TABLE parked (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
        rank INTEGER NOT NULL, customer TEXT, since INTEGER NOT NULL, due INTEGER,
        attempts INTEGER NOT NULL, code TEXT NOT NULL, bytes INTEGER NOT NULL,
        alone INTEGER NOT NULL DEFAULT 0, doubtful_until INTEGER NOT NULL DEFAULT 0, trying INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0, lost_alone INTEGER NOT NULL DEFAULT 0, lost_at_round INTEGER NOT NULL DEFAULT 0, waits_for TEXT, written_since INTEGER NOT NULL DEFAULT 0);
CREATE TABLE parked_parts (
        owner INTEGER NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (owner, part)) WITHOUT ROWID;
CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, since INTEGER NOT NULL,
        due INTEGER NOT NULL);
CREATE TABLE job_rows (
        job INTEGER NOT NULL, n INTEGER NOT NULL, key TEXT NOT NULL, digest TEXT,
        external_id TEXT, PRIMARY KEY (job, n, key)) WITHOUT ROWID;
CREATE TABLE sent (
        key TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (key, digest)) WITHOUT ROWID;
CREATE TABLE dead_letters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
        code TEXT NOT NULL, detail TEXT NOT NULL, pointer TEXT, resource TEXT, customer TEXT,
        attempts INTEGER NOT NULL);
CREATE TABLE dead_letter_parts (
        owner INTEGER NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (owner, part)) WITHOUT ROWID;
CREATE TABLE rounds (only INTEGER PRIMARY KEY CHECK (only = 1), ended INTEGER NOT NULL);
CREATE TABLE erased (hash TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE erasure_key (only INTEGER PRIMARY KEY CHECK (only = 1), key TEXT NOT NULL);
CREATE TABLE feed_batch (
        only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL,
        taken INTEGER NOT NULL);
CREATE INDEX parked_due ON parked (due) WHERE due IS NOT NULL;
CREATE INDEX job_rows_key ON job_rows (key);
CREATE INDEX job_rows_profile ON job_rows (external_id)
        WHERE external_id IS NOT NULL;
CREATE INDEX parked_waits_for ON parked (waits_for, due)
        WHERE waits_for IS NOT NULL AND due IS NOT NULL;
INSERT INTO dead_letter_parts (owner, part, content) VALUES (1, 0, X'78');
INSERT INTO dead_letters (seq, id, at, code, detail, pointer, resource, customer, attempts) VALUES (1, 'x', 1000, 'not_json', 'd', NULL, NULL, 'c', 1);
INSERT INTO erased (hash, at) VALUES ('h', 1000);
INSERT INTO erasure_key (only, key) VALUES (1, 'EC2C289D05090CADA4AC048AA77543384EF1C90D45DC8807745B2FEE5C1BBE28');
INSERT INTO feed_batch (only, number, taken) VALUES (1, 6, 1);
INSERT INTO job_rows (job, n, key, digest, external_id) VALUES (1, 0, 'customer/d', 'd', 'd');
INSERT INTO jobs (seq, job, since, due) VALUES (1, '{"of":"profiles","id":"j"}', 1000, 2000);
INSERT INTO parked (seq, key, rank, customer, since, due, attempts, code, bytes, alone, doubtful_until, trying, lost, lost_alone, lost_at_round, waits_for, written_since) VALUES (7, 'customer/c', 1, 'c', 1000, 2000, 3, 'klaviyo_503', 2, 1, 9, 1, 2, 1, 4, 'klaviyo ImportProfile', 8);
INSERT INTO parked_parts (owner, part, content) VALUES (7, 0, X'7B7D');
INSERT INTO rounds (only, ended) VALUES (1, 5);
INSERT INTO schema (only, version) VALUES (1, 5);
INSERT INTO sent (key, digest) VALUES ('customer/c', 'd');
