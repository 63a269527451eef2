-- Where the lines of an import wait until all of them are known to be sound. Filled and emptied in one
-- transaction, so nobody else ever sees a row; unlogged, since what is lost with a crash is only read
-- again from its file.

CREATE UNLOGGED TABLE tokenhouse.import_lines (
    job      uuid NOT NULL,
    nth      bigint NOT NULL,
    line     bigint NOT NULL,
    ref      text NOT NULL,
    parent   text NOT NULL DEFAULT '',
    account  bigint,
    path     bigint[],
    document json NOT NULL,
    moves    json,
    PRIMARY KEY (job, nth)
);
COMMENT ON TABLE tokenhouse.import_lines IS
    'Lines of an import under way: checked against each other and the accounts before anything is written.';
CREATE INDEX import_lines_by_ref ON tokenhouse.import_lines (job, ref);
