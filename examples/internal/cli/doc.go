// Package cli holds what the example programs share by contract: input files,
// plain or gzip, read line by line with file and line in every error; the exit
// codes; JSON lines on standard output; progress on standard error; the flags
// -seed and -workers.
//
// A program is a function run and a one-line main, so that a test can call it:
//
//	func main() { cli.Main(run) }
//
//	func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
//		fs := cli.NewFlagSet("prog", "prog -data F [flags]")
//		common := cli.AddCommon(fs)
//		data := fs.String("data", "", "input `file`, plain or gzip")
//		err := cli.Parse(fs, args)
//		if err == nil {
//			err = work(ctx, *data, common.Seed, common.Workers, stdout, stderr)
//		}
//		return cli.Exit(fs, err, stdout, stderr)
//	}
//
// The exit code is 0 for success, 2 when the caller is at fault (a flag, a
// missing file, a malformed line), 1 when the work failed.
package cli
