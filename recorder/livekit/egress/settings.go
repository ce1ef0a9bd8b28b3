package egress

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/livekit/logger"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var (
	// errKeys: a request brings keys to a store.
	errKeys = errors.New("output settings with keys in them are refused: the recording is sealed, and goes to the store of the room's policy. Leave the storage out of the request")
	// errStreams: a request asks for more than a recording.
	errStreams = errors.New("a sealed recording is no stream: stream outputs are not there")
)

// ignored returns which settings of a request have no effect, by their names. The error says
// why it cannot be done at all.
func ignored(r *lkproto.RoomCompositeEgressRequest) ([]string, error) {
	//lint:ignore SA1019 older clients send it
	if len(r.GetStreamOutputs()) > 0 || r.GetStream() != nil {
		return nil, errStreams
	}
	var names []string
	secret := false
	var look func(m protoreflect.Message, top bool)
	look = func(m protoreflect.Message, top bool) {
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if top && f.Name() != "room_name" {
				names = append(names, string(f.Name()))
			}
			if isSecret(f) {
				secret = true
			}
			switch {
			case f.IsMap() || f.Message() == nil:
			case f.IsList():
				for i := range v.List().Len() {
					look(v.List().Get(i).Message(), false)
				}
			default:
				look(v.Message(), false)
			}
			return !secret
		})
	}
	look(r.ProtoReflect(), true)
	if secret {
		return nil, errKeys
	}
	slices.Sort(names)
	return names, nil
}

// isSecret reports whether LiveKit marks a field as one that is never logged.
func isSecret(f protoreflect.FieldDescriptor) bool {
	if !proto.HasExtension(f.Options(), logger.E_Sensitivity) {
		return false
	}
	return proto.GetExtension(f.Options(), logger.E_Sensitivity) == logger.Sensitivity_SENSITIVITY_SECRET
}

// details say what an egress is.
func details(without []string) string {
	text := "A sealed recording by Sealtape. There is no file: its readers open it as sealtape:ID."
	if len(without) > 0 {
		text += fmt.Sprintf(" Of the request, these settings have no effect: %s.", strings.Join(without, ", "))
	}
	return text
}
