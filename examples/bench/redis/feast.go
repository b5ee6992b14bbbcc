package main

import (
	"context"
	"encoding/binary"
	"errors"
	"math"

	"github.com/feast-dev/feast/sdk/go/protos/feast/types"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

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

// records reads Feast's layout as Feast's server in Go does, with its libraries: a pipeline of HMGETs by go-redis, then for each
// feature of an entity a record of its name, its event time and its message, both decoded by the protobuf library.
//
// Source: feast-dev/feast, go/internal/feast/onlinestore/redisonlinestore.go, OnlineRead.
type records struct {
	client *goredis.Client
	keys   *redis.Feast
	names  []string
}

type record struct {
	view, feature string
	time          timestamppb.Timestamp
	value         types.Value
}

var errRecord = errors.New("not what was written")

func (r *records) read(ctx context.Context, items []recsys.ItemID) ([][]record, error) {
	fields := r.keys.Fields()
	index := make(map[string]int, len(items))
	for i, item := range items {
		key, _ := r.keys.Key(uint64(item))
		index[key] = i
	}
	commands := make(map[string]*goredis.SliceCmd, len(index))
	pipe := r.client.Pipeline()
	for key := range index {
		commands[key] = pipe.HMGet(ctx, key, fields...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make([][]record, len(items))
	for key, command := range commands {
		row := make([]record, len(r.names))
		reply := command.Val()
		var at timestamppb.Timestamp
		for j, name := range r.names {
			text, ok := reply[j].(string)
			time, dated := reply[len(r.names)].(string)
			if !ok || !dated {
				return nil, errRecord
			}
			var v types.Value
			if err := proto.Unmarshal([]byte(text), &v); err != nil {
				return nil, err
			}
			if err := proto.Unmarshal([]byte(time), &at); err != nil {
				return nil, err
			}
			row[j] = record{
				view: "item.stats", feature: name, time: timestamppb.Timestamp{Seconds: at.Seconds, Nanos: at.Nanos},
				value: types.Value{Val: v.Val},
			}
		}
		out[index[key]] = row
	}
	return out, nil
}

// batch reads, and writes the values into the block, an item that stands twice in its last place alone.
func (r *records) batch(ctx context.Context, items []recsys.ItemID, out *recsys.Block) error {
	rows, err := r.read(ctx, items)
	for i := range rows {
		for j := range rows[i] {
			out.FloatRow(i)[j] = rows[i][j].value.GetFloatVal()
		}
	}
	return err
}
