package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// result is what training took; a command prints it as a JSON object.
type result struct {
	CPU  float64 `json:"cpu_s"`
	Wall float64 `json:"wall_s"`
	Loss float64 `json:"loss"`
}

// peer runs the command of a peer, which trains once and takes the time itself.
func (o *options) peer(ctx context.Context, solver string) (r result, err error) {
	words := append(strings.Fields(o.command), o.data, fmt.Sprint(o.factors), fmt.Sprint(o.epochs), solver, fmt.Sprint(o.alpha), fmt.Sprint(o.lambda))
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).Output()
	if err != nil {
		if failed, ok := err.(*exec.ExitError); ok {
			return r, fmt.Errorf("%s: %w: %s", words[0], err, failed.Stderr)
		}
		return r, err
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("%s printed %q: %w", words[0], out, err)
	}
	return r, nil
}
