package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
)

// Common holds the flags that every example program takes.
type Common struct {
	Seed    uint64 // -seed, default 1
	Workers int    // -workers, default: cores
}

// NewFlagSet returns a flag set that reports errors through [Parse] alone. The
// synopsis is the first line of the help text.
func NewFlagSet(program, synopsis string) *flag.FlagSet {
	fs := flag.NewFlagSet(program, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: %s\n", synopsis)
		fs.PrintDefaults()
	}
	return fs
}

// AddCommon defines -seed and -workers on fs. The values are valid after
// [Parse].
func AddCommon(fs *flag.FlagSet) *Common {
	c := new(Common)
	fs.Uint64Var(&c.Seed, "seed", 1, "`seed` of everything random")
	c.Workers = runtime.GOMAXPROCS(0)
	fs.Func("workers", "`number` of goroutines (default: cores); the result does not depend on it", func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return errors.New("want a number >= 1")
		}
		c.Workers = n
		return nil
	})
	return c
}

// AddJSON defines -json on fs.
func AddJSON(fs *flag.FlagSet) *bool {
	return fs.Bool("json", false, "write one JSON object per line, the result last")
}

// Parse parses args, which must hold flags only. It returns [flag.ErrHelp] for
// -h and -help and a *[UsageError] for anything that fs does not know.
func Parse(fs *flag.FlagSet, args []string) error {
	usage := fs.Usage
	fs.Usage = func() {} // Exit prints it, once
	defer func() { fs.Usage = usage }()
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &UsageError{Err: err}
	}
	if fs.NArg() > 0 {
		return Usagef("unexpected argument %q", fs.Arg(0))
	}
	return nil
}

// Require returns a *[UsageError] that names the first of the flags that is
// empty on fs, nil if none is.
func Require(fs *flag.FlagSet, names ...string) error {
	for _, name := range names {
		if f := fs.Lookup(name); f == nil || f.Value.String() == "" {
			return Usagef("-%s is missing", name)
		}
	}
	return nil
}

// CanSave returns a *[UsageError] when no file can be written to the path that a flag gives: its
// folder is missing, or it is a folder itself. An empty path is none. It is for before the
// work, whose result would else be lost.
func CanSave(name, path string) error {
	if path == "" {
		return nil
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return Usagef("-%s: %s is a folder, want a file", name, path)
	}
	folder := filepath.Dir(path)
	if st, err := os.Stat(folder); err != nil || !st.IsDir() {
		return Usagef("-%s: %s: there is no folder %s", name, path, folder)
	}
	return nil
}

// Run is a program as a function: it returns the exit code.
type Run func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int

// Main runs a program on the process's arguments and streams, with a context
// that ends on interrupt, and exits with its code.
func Main(run Run) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
