-- One collection. What a document says is in documents.fields; terms holds every value once more, to be found by.
CREATE TABLE IF NOT EXISTS documents (
  key INTEGER PRIMARY KEY AUTOINCREMENT,  -- what the duplicate index knows the document by; never used again
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  from_folder INTEGER NOT NULL,           -- 1: image is a path inside the served folder
  fields TEXT NOT NULL                    -- JSON object without id and _version_
);
CREATE TABLE IF NOT EXISTS descriptors (key INTEGER PRIMARY KEY, descriptor BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fields (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, multi INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS terms (
  field INTEGER NOT NULL, value NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (field, value, key)
) WITHOUT ROWID;
-- Which descriptors changed, for a duplicate index that has to catch up.
CREATE TABLE IF NOT EXISTS changes (key INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS changes_by_sequence ON changes (sequence);
-- Counters: commit (bumped by each commit, so that other processes notice), version, sequence; format of the file;
-- index: the stamp of the index that was saved last, see index_file.py.
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('commit', 0), ('version', 0), ('sequence', 0), ('format', 2);
