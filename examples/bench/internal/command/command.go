// Package command runs a program of another language that takes turns with ours: it works when asked, takes the
// time itself, and answers with a line of numbers.
package command

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Peer is a running program.
type Peer struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	folder string // of its data; empty if it has none
}

// Start starts the program of the line, split at blanks, with further arguments. If data is not nil, the last argument is the name of a file
// of these slices, little-endian, one after the other. What the program writes to its standard error goes to log. It ends when ctx is
// done or by Stop.
func Start[T float32 | float64](ctx context.Context, log io.Writer, line string, args []any, data ...[]T) (*Peer, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, errors.New("the command of the peer is empty")
	}
	for _, a := range args {
		words = append(words, fmt.Sprint(a))
	}
	p := &Peer{}
	if data != nil {
		name, err := save(data)
		if err != nil {
			return nil, err
		}
		p.folder, words = filepath.Dir(name), append(words, name)
	}
	p.cmd = exec.CommandContext(ctx, words[0], words[1:]...)
	p.cmd.Stderr = log
	in, err := p.cmd.StdinPipe()
	if err == nil {
		var out io.ReadCloser
		if out, err = p.cmd.StdoutPipe(); err == nil {
			p.in, p.out = in, bufio.NewScanner(out)
			err = p.cmd.Start()
		}
	}
	if err != nil {
		p.clean()
		return nil, err
	}
	return p, nil
}

// save writes a file in a folder of its own.
func save[T float32 | float64](data [][]T) (name string, err error) {
	folder, err := os.MkdirTemp("", "peer")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(folder)
		}
	}()
	f, err := os.Create(filepath.Join(folder, "data"))
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for _, x := range data {
		for ; len(x) > 0 && err == nil; x = x[min(len(x), 1<<16):] {
			err = binary.Write(w, binary.LittleEndian, x[:min(len(x), 1<<16)])
		}
	}
	return f.Name(), errors.Join(err, w.Flush(), f.Close())
}

// Ask writes the words on a line and returns the numbers of the answer, at least want of them.
func (p *Peer) Ask(want int, words ...any) ([]float64, error) {
	if _, err := fmt.Fprintln(p.in, words...); err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	if !p.out.Scan() {
		return nil, fmt.Errorf("peer: ended without an answer: %w", errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
	}
	var answer []float64
	for _, word := range strings.Fields(p.out.Text()) {
		x, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("peer: %q; want numbers", p.out.Text())
		}
		answer = append(answer, x)
	}
	if len(answer) < want {
		return nil, fmt.Errorf("peer: %q; want %d numbers", p.out.Text(), want)
	}
	return answer, nil
}

// Stop ends the program, waits for it and removes its data.
func (p *Peer) Stop() {
	p.in.Close()
	p.cmd.Wait() // it ends with its input
	p.clean()
}

func (p *Peer) clean() {
	if p.folder != "" {
		os.RemoveAll(p.folder)
	}
}
