package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// maxRelevance bounds relevance, so that 2^g-1 is finite.
const maxRelevance = 1000

// judgements holds the relevance of documents by query and document. Negative
// relevance marks a document that was chosen for judgement and not judged.
type judgements map[string]map[string]int

// document is a result of a query.
type document struct {
	name  string
	score float64
}

// results holds what was retrieved, by query, in the order of the file.
type results map[string][]document

// readQrels reads judgements: lines of query, iteration, document and
// relevance. Blank lines are skipped. Every error is a *cli.InputError.
func readQrels(name string, r io.Reader) (judgements, error) {
	judged := judgements{}
	var f [][]byte
	err := cli.Lines(name, r, func(_ int, text []byte) error {
		f = cli.Fields(f[:0], text)
		if len(f) == 0 {
			return nil
		}
		if len(f) != 4 {
			return fmt.Errorf("%d fields; want 4: query iteration document relevance", len(f))
		}
		relevance, err := strconv.Atoi(string(f[3]))
		if err != nil || relevance < -maxRelevance || relevance > maxRelevance {
			return fmt.Errorf("relevance is %q; want an integer from %d to %d", f[3], -maxRelevance, maxRelevance)
		}
		query := judged[string(f[0])]
		if query == nil {
			query = map[string]int{}
			judged[string(f[0])] = query
		}
		doc := string(f[2])
		if _, twice := query[doc]; twice {
			return fmt.Errorf("document %q of query %q is judged twice", f[2], f[0])
		}
		query[doc] = relevance
		return nil
	})
	if err == nil && len(judged) == 0 {
		err = cli.Inputf(name, 0, "no judgement")
	}
	if err != nil {
		return nil, err
	}
	return judged, nil
}

// readRun reads results: lines of query, a field that is ignored, document,
// rank (ignored), score and tag (ignored, as is what follows). Blank lines are
// skipped. Every error is a *cli.InputError.
func readRun(name string, r io.Reader) (results, error) {
	found := results{}
	seen := map[string]map[string]bool{}
	var f [][]byte
	err := cli.Lines(name, r, func(_ int, text []byte) error {
		f = cli.Fields(f[:0], text)
		if len(f) == 0 {
			return nil
		}
		if len(f) < 6 {
			return fmt.Errorf("%d fields; want 6: query Q0 document rank score tag", len(f))
		}
		// Out of range is ±Inf or 0, which ranks as it should.
		score, err := strconv.ParseFloat(string(f[4]), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(score) {
			return fmt.Errorf("score is %q; want a number", f[4])
		}
		query := string(f[0])
		if seen[query] == nil {
			seen[query] = map[string]bool{}
		}
		doc := string(f[2])
		if seen[query][doc] {
			return fmt.Errorf("document %q of query %q is retrieved twice", f[2], f[0])
		}
		seen[query][doc] = true
		found[query] = append(found[query], document{doc, score})
		return nil
	})
	if err == nil && len(found) == 0 {
		err = cli.Inputf(name, 0, "no result")
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}
