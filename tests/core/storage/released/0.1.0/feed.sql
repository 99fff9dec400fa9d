CREATE TABLE schema (
            only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL);
CREATE TABLE known (
        key TEXT PRIMARY KEY, resource TEXT NOT NULL, version INTEGER NOT NULL,
        at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE categories (id TEXT PRIMARY KEY, round INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lost (
        key TEXT PRIMARY KEY, version INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
        at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), content TEXT NOT NULL);
CREATE INDEX known_at ON known (resource, at);
CREATE INDEX lost_at ON lost (at);
INSERT INTO schema (only, version) VALUES (1, 1);
INSERT INTO state (only, content) VALUES (1, '{"began":1000,"clockAhead":-7,"cursors":{"messages":{"from":1000,"head":{"at":2000,"id":null},"look":null,"lookDue":3000,"headDue":4000,"readUntil":2000,"limit":500,"without":[],"failure":null,"retry":0}},"batch":6,"pending":null,"outboxDue":0,"project":{"due":0,"retentionDays":null,"failure":null},"categories":{"due":0,"number":0,"after":null,"missing":[],"retry":0},"replays":[],"lost":2,"late":0,"lastLost":0}');
