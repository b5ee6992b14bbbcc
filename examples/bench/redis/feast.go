package main

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
)

// fillFeast writes rows as Feast does: a float_val of feast.types.Value in each field, and the event time.
func fillFeast(ctx context.Context, client rueidis.Client, f *redis.Feast, rows []features.Row) error {
	fields := f.Fields()
	for len(rows) > 0 {
		part := rows[:min(len(rows), 500)]
		rows = rows[len(part):]
		var commands []rueidis.Completed
		for _, r := range part {
			key, _ := f.Key(r.Key)
			c := client.B().Hset().Key(key).FieldValue()
			for j, v := range r.Floats {
				c = c.FieldValue(fields[j], string(binary.LittleEndian.AppendUint32([]byte{floatTag}, math.Float32bits(v))))
			}
			at := binary.AppendUvarint([]byte{secondsTag}, uint64(r.Time.Unix()))
			commands = append(commands, c.FieldValue(fields[len(r.Floats)], string(at)).Build())
		}
		for _, r := range client.DoMulti(ctx, commands...) {
			if err := r.Error(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Tags of protobuf fields: float_val of feast.types.Value, and seconds of google.protobuf.Timestamp.
const (
	floatTag   = 6<<3 | 5
	secondsTag = 1 << 3
)

// records reads Feast's layout as Feast's own server in Go does: for each entity a slice with a record for each feature, which has
// its name, its event time and a decoded message. The decoding is written by hand, as are the messages, so this is quicker than
// the reflection of Feast's protobuf library.
//
// Source: feast-dev/feast, go/internal/feast/onlinestore/redisonlinestore.go, OnlineRead.
type records struct {
	client rueidis.Client
	feast  *redis.Feast // for its keys and fields
	names  []string
}

type record struct {
	view, feature string
	seconds       int64
	value         any // *floatVal, as a oneof is
}

type floatVal struct{ x float32 }

var errRecord = errors.New("not what was written")

func (r *records) read(ctx context.Context, items []recsys.ItemID) ([][]record, error) {
	commands := make(map[string]rueidis.Completed, len(items))
	index := make(map[string]int, len(items))
	order := make([]rueidis.Completed, 0, len(items))
	keys := make([]string, 0, len(items))
	fields := r.feast.Fields()
	for i, item := range items {
		key, _ := r.feast.Key(uint64(item))
		index[key] = i
		if _, ok := commands[key]; ok {
			continue
		}
		commands[key] = r.client.B().Hmget().Key(key).Field(fields...).Build()
		order, keys = append(order, commands[key]), append(keys, key)
	}
	out := make([][]record, len(items))
	for k, result := range r.client.DoMulti(ctx, order...) {
		reply, err := result.AsStrSlice()
		if err != nil {
			return nil, err
		}
		row := make([]record, len(r.names))
		for j, name := range r.names {
			text, at := []byte(reply[j]), []byte(reply[len(r.names)])
			if len(text) != 5 || text[0] != floatTag || len(at) < 2 || at[0] != secondsTag {
				return nil, errRecord
			}
			seconds, _ := binary.Uvarint(at[1:])
			row[j] = record{"item.stats", name, int64(seconds), &floatVal{math.Float32frombits(binary.LittleEndian.Uint32(text[1:]))}}
		}
		out[index[keys[k]]] = row
	}
	return out, nil
}

// batch is a reader that checks that each distinct item has its row.
func (r *records) batch(ctx context.Context, items []recsys.ItemID, _ *recsys.Block) error {
	rows, err := r.read(ctx, items)
	if err != nil {
		return err
	}
	last := make(map[recsys.ItemID]int, len(items))
	for i, item := range items {
		last[item] = i
	}
	for _, i := range last {
		if len(rows[i]) != len(r.names) || !strings.HasPrefix(rows[i][0].feature, "feature_") {
			return errRecord
		}
	}
	return nil
}
