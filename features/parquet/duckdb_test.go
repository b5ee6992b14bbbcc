package parquet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/parquet"
)

// duckDB is the package of npm that brings the database, with its native binding.
const duckDB = "@duckdb/node-api@1.5.6-r.1"

// query.mjs runs SQL statements and prints the rows of the last one, all values as text.
const query = `import { DuckDBInstance } from '@duckdb/node-api';
const db = await (await DuckDBInstance.create(':memory:')).connect();
await db.run("SET TimeZone='UTC'");
let out;
for (const sql of JSON.parse(process.argv[2])) out = await db.runAndReadAll(sql);
console.log(JSON.stringify(out.getRowsJson()));
`

// duck returns a function that runs statements in DuckDB, in a folder where it is installed.
// Without npm or its registry the test is skipped, unless RECSYS_REQUIRE_DUCKDB is set.
func duck(t *testing.T) (folder string, run func(statements ...string) [][]any) {
	t.Helper()
	absent := func(format string, args ...any) {
		if os.Getenv("RECSYS_REQUIRE_DUCKDB") != "" {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		absent("DuckDB is not there: %v", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		absent("DuckDB is not there: %v", err)
	}
	folder = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for try := 1; ; try++ { // a registry may be busy
		install := exec.CommandContext(ctx, npm, "install", "--no-audit", "--no-fund", "--no-save", "--prefer-offline", "--prefix", folder, duckDB)
		install.Dir = folder
		text, err := install.CombinedOutput()
		if err == nil {
			break
		}
		if try == 3 || ctx.Err() != nil {
			absent("npm could not install %s: %v\n%s", duckDB, err, text)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "query.mjs"), []byte(query), 0o644))
	return folder, func(statements ...string) [][]any {
		t.Helper()
		arg, err := json.Marshal(statements)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), node, "query.mjs", string(arg))
		cmd.Dir = folder
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		require.NoError(t, cmd.Run(), "%s", errs.Bytes())
		var rows [][]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &rows), "%s", out.Bytes())
		return rows
	}
}

func TestDuckDBReadsWhatWeWriteAndWritesWhatWeRead(t *testing.T) {
	folder, run := duck(t)
	t.Run("it reads ours", func(t *testing.T) {
		want := random(rand.New(rand.NewPCG(11, 12)), 500)
		for codec := parquet.Snappy; codec <= parquet.Zstd; codec++ {
			name := codec.String() + ".parquet"
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), write(t, want, parquet.WriterConfig{Compression: codec, RowGroupRows: 200}, 64), 0o644))
			got := run("SELECT z::VARCHAR, f32::VARCHAR, i::VARCHAR, u::VARCHAR, s, epoch_ns(t)::VARCHAR, v::FLOAT[3]::VARCHAR, \"A b.\"\"c\"\"\"[1]::VARCHAR FROM '" + name + "'")
			require.Len(t, got, want.Rows)
			for i, row := range got {
				for j := range want.Columns {
					requireSays(t, &want.Columns[j], i, row[j])
				}
			}
			types := run("SELECT column_type FROM (DESCRIBE SELECT * FROM '" + name + "')")
			require.Equal(t, [][]any{{"DOUBLE"}, {"FLOAT"}, {"BIGINT"}, {"UBIGINT"}, {"VARCHAR"}, {"TIMESTAMP_NS"}, {"FLOAT[]"}, {"FLOAT[]"}}, types)
			groups := run("SELECT count(DISTINCT row_group_id)::INT, min(compression) FROM parquet_metadata('" + name + "')")
			require.Equal(t, [][]any{{3.0, strings.ToUpper(codec.String())}}, groups)
		}
	})
	t.Run("we read its", func(t *testing.T) {
		run("COPY (SELECT n::INTEGER AS i32, (n*1000000007)::BIGINT AS i64, n::UTINYINT AS u8, " +
			"(18446744073709551615::UBIGINT - n::UBIGINT) AS u64, n % 2 = 0 AS b, n/7.0::DOUBLE AS d, (n/7.0::DOUBLE)::FLOAT AS f, " +
			"(n * 1.25)::DECIMAL(9,2) AS dec, 'word ' || (n % 5) AS s, DATE '2023-11-14' + n::INTEGER AS day, " +
			"make_timestamp(1700000000123456 + n) AS us, make_timestamp_ns(1700000000123456789 + n) AS ns, " +
			"[n, n + 0.5]::FLOAT[2] AS arr, [n::DOUBLE, NULL] AS list, " +
			"CASE WHEN n % 3 = 0 THEN NULL ELSE n END AS gaps, {'a': n} AS st, n::VARCHAR::BLOB AS bin " +
			"FROM range(0, 200) r(n)) TO 'theirs.parquet' (ROW_GROUP_SIZE 2048, COMPRESSION zstd)")
		data, err := os.ReadFile(filepath.Join(folder, "theirs.parquet"))
		require.NoError(t, err)
		_, err = read(data, parquet.ReaderConfig{})
		var typed *parquet.TypeError
		require.ErrorAs(t, err, &typed)
		require.ErrorContains(t, err, `column "st" is optional group of {`)
		columns := strings.Fields("i32 i64 u8 u64 b d f dec s day us ns arr list gaps bin")
		f, err := read(data, parquet.ReaderConfig{Columns: columns})
		require.NoError(t, err)
		require.Equal(t, 200, f.Rows)
		at := func(name string) *frame.Column {
			c, err := f.Column(name)
			require.NoError(t, err)
			return c
		}
		day := time.Date(2023, 11, 14, 0, 0, 0, 0, time.UTC)
		for n := range 200 {
			require.EqualValues(t, n, at("i32").Int64[n])
			require.EqualValues(t, n*1000000007, at("i64").Int64[n])
			require.EqualValues(t, n, at("u8").Uint64[n])
			require.Equal(t, math.MaxUint64-uint64(n), at("u64").Uint64[n])
			require.EqualValues(t, 1-n%2, at("b").Uint64[n])
			require.Equal(t, float64(n)/7, at("d").Float64[n])
			require.Equal(t, float32(float64(n)/7), at("f").Float32[n])
			require.Equal(t, float64(n)*1.25, at("dec").Float64[n])
			require.Equal(t, "word "+strconv.Itoa(n%5), at("s").String[n])
			require.Equal(t, day.AddDate(0, 0, n).UnixNano(), at("day").Int64[n])
			require.EqualValues(t, 1700000000123456000+1000*n, at("us").Int64[n])
			require.EqualValues(t, 1700000000123456789+n, at("ns").Int64[n])
			require.Equal(t, []float32{float32(n), float32(n) + 0.5}, at("arr").VectorRow(n))
			require.Equal(t, float32(n), at("list").VectorRow(n)[0])
			require.True(t, math.IsNaN(float64(at("list").VectorRow(n)[1])))
			require.Equal(t, n%3 == 0, at("gaps").IsMissing(n))
			require.Equal(t, strconv.Itoa(n), at("bin").String[n])
		}
	})
}

// requireSays compares a value with what the other reader says of it.
func requireSays(t *testing.T, c *frame.Column, i int, said any) {
	t.Helper()
	if c.IsMissing(i) {
		require.Nil(t, said, "%s, row %d", c.Name, i)
		return
	}
	text, ok := said.(string)
	require.True(t, ok, "%s, row %d: %v", c.Name, i, said)
	number := func(bits int) float64 {
		v, err := strconv.ParseFloat(strings.Replace(text, "-nan", "nan", 1), bits)
		require.NoError(t, err)
		return v
	}
	same := func(want, got float64) {
		t.Helper()
		require.True(t, want == got || want != want && got != got, "%s, row %d: %v; want %v", c.Name, i, got, want)
	}
	switch c.Kind {
	case frame.Float64:
		same(c.Float64[i], number(64))
	case frame.Float32:
		same(float64(c.Float32[i]), number(32))
	case frame.Int64, frame.Time:
		require.Equal(t, strconv.FormatInt(c.Int64[i], 10), text, "%s, row %d", c.Name, i)
	case frame.Uint64:
		require.Equal(t, strconv.FormatUint(c.Uint64[i], 10), text)
	case frame.String:
		require.Equal(t, c.String[i], text)
	case frame.Vector:
		for k, part := range strings.Split(strings.Trim(text, "[]"), ", ") {
			v, err := strconv.ParseFloat(part, 32)
			require.NoError(t, err)
			same(float64(c.VectorRow(i)[k]), v)
		}
	}
}
