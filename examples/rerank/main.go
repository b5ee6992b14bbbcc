// Rerank solves the cases of a file with the algorithms of package rerank, for comparison with other implementations.
//
//	go run ./examples/rerank -golden dpp.json
//	go run ./examples/rerank -golden fair_topk.json -alpha-adjust
//
// The file is a JSON object whose "cases" are objects. All have rel, the relevance of each item, and k. What else they have says what they are:
//
//	kernel     a determinantal point process: emb, alpha and perhaps window; the kernel is one of
//	           "q_i*q_j*(1+cos)/2", "q_i*q_j*(a*(1+cos)/2+b*[i==j])" with numbers a and b >= 0, "q_i*q_j*cos"; q = exp(alpha*rel)
//	sim        maximal marginal relevance: emb, lam; the similarity is "cosine"
//	p_aspect   xQuAD: the probability of each aspect; p_item_aspect, a row per item; lam
//	genres     calibration after Steck: a row per item; p, lam, alpha
//	protected  FA*IR: 0 or 1 per item; p, alpha_unadjusted
//
// Other members are not read. For each case there is a line, a JSON object with those of
//
//	case, order, scores, order_window, logdet_prefix, mtable, exposure_dcg, alpha, fails
//
// that apply: exposure_dcg is that of the others and of the protected, alpha and fails are the corrected level of the tests of FA*IR and the
// probability with which fair draws fail them. A file that is not as said writes no line.
package main

import (
	"bufio"
	"context"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("rerank", "rerank -golden F.json [flags]")
	cli.AddCommon(fs) // nothing is random, and one core is enough
	cli.AddJSON(fs)   // there is no other output
	golden := fs.String("golden", "", "JSON `file` of cases")
	adjust := fs.Bool("alpha-adjust", false, "correct the level of FA*IR for its many tests")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "golden")
	}
	if err == nil {
		err = solveFile(ctx, *golden, *adjust, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// solveFile solves all cases before it prints a line.
func solveFile(ctx context.Context, name string, adjust bool, stdout io.Writer) error {
	cases, err := load(name)
	if err != nil {
		return err
	}
	var lines []cli.Object
	for i, c := range cases {
		if err := ctx.Err(); err != nil {
			return err
		}
		solved, err := solve(c, adjust)
		if err != nil {
			return cli.Inputf(name, c.line, "case %d: %w", i, err)
		}
		lines = append(lines, append(cli.Object{cli.F("case", i)}, solved...))
	}
	w := bufio.NewWriter(stdout)
	for _, line := range lines {
		if err := cli.WriteJSON(w, line); err != nil {
			return err
		}
	}
	return w.Flush()
}
