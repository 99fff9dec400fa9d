CREATE TABLE schema (
            only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL);
CREATE TABLE counts (
        span INTEGER NOT NULL, at INTEGER NOT NULL, counts TEXT NOT NULL,
        PRIMARY KEY (span, at)) WITHOUT ROWID;
CREATE TABLE seen (
        type TEXT PRIMARY KEY, received INTEGER NOT NULL, delivered INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), content TEXT NOT NULL);
INSERT INTO counts (span, at, counts) VALUES (0, 0, '{"delivered":1,"ignored":0,"parked":0,"deadLettered":0,"refused":0,"refusedNotifications":0,"throttled":0}');
INSERT INTO counts (span, at, counts) VALUES (1, 0, '{"delivered":1,"ignored":0,"parked":0,"deadLettered":0,"refused":0,"refusedNotifications":0,"throttled":0}');
INSERT INTO counts (span, at, counts) VALUES (2, 60000, '{"delivered":1,"ignored":0,"parked":0,"deadLettered":0,"refused":0,"refusedNotifications":0,"throttled":0}');
INSERT INTO schema (only, version) VALUES (1, 1);
INSERT INTO seen (type, received, delivered) VALUES ('OrderCreated', 60000, 60000);
INSERT INTO state (only, content) VALUES (1, '{"facts":{"began":60000,"last":{"received":60000,"delivered":60000},"refusals":[],"outboxSilentSince":0,"importsSilentSince":0,"checks":[]},"looked":0,"checked":60000,"alerts":[],"receiver":{"asked":0,"failures":0}}');
