package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// file is what -golden names.
type file struct {
	Runs        int               `json:"runs"`
	Checkpoints []int             `json:"checkpoints"` // ascending numbers of rounds
	Envs        map[string]*entry `json:"envs"`
	order       []string          // of the environments, as in the file
}

// entry is an environment and what the reference found in it.
type entry struct {
	Spec   spec                            `json:"spec"`
	Regret map[string]map[string]published `json:"cum_regret"` // policy -> rounds -> regret
	order  []string                        // of the policies
}

// published is a mean regret over runs with its standard error.
type published struct {
	Mean float64 `json:"mean"`
	SE   float64 `json:"se"`
}

// spec describes an environment. Kind begins with "bernoulli", "disjoint linear", "disjoint logistic", "shared linear" or "cascade".
type spec struct {
	Kind string `json:"kind"`

	P         []float64   `json:"p"`                         // chance of a reward, of a click in a cascade
	Phases    [][]float64 `json:"p_phases"`                  // in place of P: each for Period rounds, in turn
	Period    int         `json:"period"`                    //
	Delay     int         `json:"delay_rounds"`              // rewards are seen so many rounds later
	Batch     int         `json:"batch"`                     // or at the end of each batch of so many rounds
	Available []int       `json:"arm_available_after_round"` // when arms arrive; empty: all are there

	Theta    json.RawMessage `json:"theta"` // K × d; d numbers of a shared model
	Context  string          `json:"context"`
	Features string          `json:"features"`
	K        int             `json:"K"` // actions of a round and
	D        int             `json:"d"` // their features, in a shared model
	Noise    float64         `json:"noise_sd"`
	Ridge    float64         `json:"ridge_lambda"` // 0: 1

	Places int `json:"list_len"` // of a list in a cascade
}

// read reads and checks a file; what is wrong with an environment is found when it is made.
func read(name string) (*file, error) {
	var f file
	text, err := readJSON(name, &f)
	if err != nil {
		return nil, err
	}
	if n := len(f.Checkpoints); n == 0 || f.Checkpoints[0] < 1 || !slices.IsSorted(f.Checkpoints) {
		return nil, cli.Inputf(name, 0, "checkpoints is %v; want ascending numbers of rounds, from 1", f.Checkpoints)
	}
	if len(f.Envs) == 0 {
		return nil, cli.Inputf(name, 0, "envs is empty; want environments")
	}
	var order struct {
		Envs keys `json:"envs"`
	}
	if err := json.Unmarshal(text, &order); err != nil {
		return nil, cli.Inputf(name, 0, "%w", err)
	}
	f.order = order.Envs.names
	for i, env := range f.order {
		e := f.Envs[env]
		if e == nil {
			return nil, cli.Inputf(name, 0, "envs.%s is null", env)
		}
		var policies struct {
			Regret keys `json:"cum_regret"`
		}
		if err := json.Unmarshal(order.Envs.values[i], &policies); err != nil {
			return nil, cli.Inputf(name, 0, "%w", err)
		}
		e.order = policies.Regret.names
	}
	return &f, nil
}

// keys is a JSON object in the order of the file.
type keys struct {
	names  []string
	values []json.RawMessage
}

// UnmarshalJSON reads an object whose keys are distinct.
func (k *keys) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if slices.Contains(k.names, name.(string)) {
			return fmt.Errorf("%q comes twice", name)
		}
		k.names, k.values = append(k.names, name.(string)), append(k.values, value)
	}
	return nil
}

// readJSON reads a file that holds one JSON value into v and returns its text. Its errors name the line.
func readJSON(name string, v any) ([]byte, error) {
	in, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	const most = 256 << 20
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, cli.Inputf(name, 0, "%w", err)
	case len(text) > most:
		return nil, cli.Inputf(name, 0, "is larger than %d bytes", most)
	}
	err = json.Unmarshal(text, v)
	if err == nil {
		return text, nil
	}
	at := int64(0)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = mistyped.Offset
	}
	return nil, cli.Inputf(name, 1+bytes.Count(text[:min(at, int64(len(text)))], []byte("\n")), "%w", err)
}
