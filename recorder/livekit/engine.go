package livekit

import (
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/internal/fault"
)

// What members send, the SDK parses with code that any of them can crash: in
// v2.18.1 a text stream's header without attributes and a trailer with some are
// enough, and no key. So the recorder takes the data channels for itself before
// a message can come by them, and stands between the SDK's engine and its room.
// The SDK has no way to ask for either; where its inside is not as in the
// version that this was written for, the recorder does not join.

// engineOf returns the SDK's engine of a room, nil if it is not where it was.
func engineOf(room *lksdk.Room) *lksdk.RTCEngine {
	f := reflect.ValueOf(room).Elem().FieldByName("engine")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*lksdk.RTCEngine]() {
		return nil
	}
	return (*lksdk.RTCEngine)(f.UnsafePointer())
}

// partOf returns a part of the engine, nil if there is none of that name and type.
func partOf[T any](engine *lksdk.RTCEngine, name string) *T {
	f := reflect.ValueOf(engine).Elem().FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(f.Addr().UnsafePointer())
}

// A desk takes what the SDK's engine would tell its room. What the server tells
// goes on to the room, where a fault ends nothing. Data does not: it comes by
// the channels that hear takes over.
type desk struct {
	*lksdk.Room
	s      *session
	engine *lksdk.RTCEngine
	lock   *sync.RWMutex                                    // of the next
	subs   map[lkproto.DataPacket_Kind]**webrtc.DataChannel // by which the SDK believes to hear
	deaf   atomic.Pointer[error]                            // why hear failed
}

// takeOver puts a desk before the session's room. It must come before the join.
func (s *session) takeOver() (*desk, error) {
	engine := engineOf(s.room)
	if engine == nil {
		return nil, errSDK
	}
	d := &desk{Room: s.room, s: s, engine: engine, lock: partOf[sync.RWMutex](engine, "dclock"),
		subs: map[lkproto.DataPacket_Kind]**webrtc.DataChannel{
			lkproto.DataPacket_RELIABLE: partOf[*webrtc.DataChannel](engine, "reliableDCSub"),
			lkproto.DataPacket_LOSSY:    partOf[*webrtc.DataChannel](engine, "lossyDCSub"),
		}}
	f := reflect.ValueOf(engine).Elem().FieldByName("engineHandler")
	if d.lock == nil || d.subs[lkproto.DataPacket_RELIABLE] == nil || d.subs[lkproto.DataPacket_LOSSY] == nil ||
		!f.IsValid() || f.Kind() != reflect.Interface || !reflect.TypeOf(d).Implements(f.Type()) {
		return nil, errSDK
	}
	reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(d))
	return d, nil
}

// hear takes over the data channels: those that the server opens, before pion
// reads the first message of one, and those that the recorder opens, by which a
// server has nothing to say.
func (d *desk) hear() error {
	pc := d.Room.LocalParticipant.GetSubscriberPeerConnection()
	if pc == nil {
		return errSDK
	}
	kinds := map[string]lkproto.DataPacket_Kind{"_reliable": lkproto.DataPacket_RELIABLE, "_lossy": lkproto.DataPacket_LOSSY}
	for _, kind := range kinds {
		c := d.engine.GetDataChannel(kind)
		if c == nil {
			return errSDK
		}
		c.OnMessage(func(webrtc.DataChannelMessage) {})
	}
	pc.OnDataChannel(func(c *webrtc.DataChannel) {
		kind, ours := kinds[c.Label()]
		if !ours {
			return // pion drops what nobody listens to
		}
		c.OnMessage(d.s.receive)
		d.lock.Lock()
		defer d.lock.Unlock()
		*d.subs[kind] = c
	})
	return nil
}

// contain passes on what is about something, and logs a fault of that. It leaves no
// lock of the SDK's held: those under which members' own things are looked at are
// let go of as it panics.
func (d *desk) contain(what string, f func()) bool {
	err := fault.Contain(f)
	if err != nil {
		d.s.r.log.Error("what the server told could not be taken", "of", what, "err", err)
	}
	return err == nil
}

// OnRoomJoined is told when the connections are made, and before they connect.
func (d *desk) OnRoomJoined(room *lkproto.Room, me *lkproto.ParticipantInfo, others []*lkproto.ParticipantInfo, server *lkproto.ServerInfo, sifTrailer []byte) {
	if err := d.hear(); err != nil {
		d.deaf.Store(&err)
	}
	if !d.contain("the join", func() { d.Room.OnRoomJoined(room, me, others, server, sifTrailer) }) {
		// One of them was too much: take the others.
		d.contain("the join", func() { d.Room.OnRoomJoined(room, me, nil, server, sifTrailer) })
		d.OnParticipantUpdate(others)
	}
}

// OnParticipantUpdate is told of members. Each is passed on alone: what one of
// them makes of their name, attributes and tracks is to cost the others nothing.
func (d *desk) OnParticipantUpdate(members []*lkproto.ParticipantInfo) {
	for _, p := range members {
		d.contain("a member", func() { d.Room.OnParticipantUpdate([]*lkproto.ParticipantInfo{p}) })
	}
}

// The rest of what the server tells of members:

func (d *desk) OnMediaTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	d.contain("a track", func() { d.Room.OnMediaTrack(track, receiver) })
}

func (d *desk) OnSpeakersChanged(speakers []*lkproto.SpeakerInfo) {
	d.contain("the speakers", func() { d.Room.OnSpeakersChanged(speakers) })
}

func (d *desk) OnConnectionQuality(updates []*lkproto.ConnectionQualityInfo) {
	d.contain("a connection", func() { d.Room.OnConnectionQuality(updates) })
}

func (d *desk) OnRoomUpdate(room *lkproto.Room) {
	d.contain("the room", func() { d.Room.OnRoomUpdate(room) })
}

func (d *desk) OnRoomMoved(moved *lkproto.RoomMovedResponse) {
	d.contain("a move", func() { d.Room.OnRoomMoved(moved) })
}

// What the engine would make of data. None reaches it:

func (d *desk) OnDataPacket(string, lksdk.DataPacket)                     {}
func (d *desk) OnTranscription(*lkproto.Transcription)                    {}
func (d *desk) OnStreamHeader(*lkproto.DataStream_Header, string)         {}
func (d *desk) OnStreamChunk(*lkproto.DataStream_Chunk)                   {}
func (d *desk) OnStreamTrailer(*lkproto.DataStream_Trailer)               {}
func (d *desk) OnRpcRequest(_, _, _, _ string, _ time.Duration, _ uint32) {}
func (d *desk) OnRpcAck(string)                                           {}
func (d *desk) OnRpcResponse(string, *string, *lksdk.RpcError)            {}
