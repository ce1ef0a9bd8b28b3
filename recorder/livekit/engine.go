package livekit

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/internal/fault"
)

// The SDK parses what members send with code that any of them can crash: in
// v2.18.1 a text stream's header without attributes and a trailer with some are
// enough, and need no key. So the recorder takes over the data channels before a
// message can arrive, and stands between the SDK's engine and its room. The SDK
// has no way to ask for either. If its inside differs from the version that this
// was written for, the recorder does not join.

// engineOf returns the SDK's engine of a room, or nil if it is not where it was.
func engineOf(room *lksdk.Room) *lksdk.RTCEngine {
	f := reflect.ValueOf(room).Elem().FieldByName("engine")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*lksdk.RTCEngine]() {
		return nil
	}
	return (*lksdk.RTCEngine)(f.UnsafePointer())
}

// partOf returns a part of the engine, or nil if it has none of that name and
// type.
func partOf[T any](engine *lksdk.RTCEngine, name string) *T {
	f := reflect.ValueOf(engine).Elem().FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(f.Addr().UnsafePointer())
}

// An engineHandler receives what the SDK's engine reports to its room. It passes the
// server's reports on to the room, and contains faults there. It does not pass data
// on: data comes by the channels that takeDataChannels takes over.
type engineHandler struct {
	*lksdk.Room
	s       *session
	engine  *lksdk.RTCEngine
	lock    *sync.RWMutex                                    // of the next
	subs    map[lkproto.DataPacket_Kind]**webrtc.DataChannel // the channels on which the SDK expects data
	dataErr atomic.Pointer[error]                            // why takeDataChannels failed
	coming  sync.Mutex                                       // held while the SDK takes a track that it was told of, and while it looks which came
}

// handleEngine puts an engineHandler between the engine and the session's room. It must
// be called before the join.
func (s *session) handleEngine() (*engineHandler, error) {
	engine := engineOf(s.room)
	if engine == nil {
		return nil, errSDK
	}
	h := &engineHandler{Room: s.room, s: s, engine: engine, lock: partOf[sync.RWMutex](engine, "dclock"),
		subs: map[lkproto.DataPacket_Kind]**webrtc.DataChannel{
			lkproto.DataPacket_RELIABLE: partOf[*webrtc.DataChannel](engine, "reliableDCSub"),
			lkproto.DataPacket_LOSSY:    partOf[*webrtc.DataChannel](engine, "lossyDCSub"),
		}}
	f := reflect.ValueOf(engine).Elem().FieldByName("engineHandler")
	if h.lock == nil || h.subs[lkproto.DataPacket_RELIABLE] == nil || h.subs[lkproto.DataPacket_LOSSY] == nil ||
		!f.IsValid() || f.Kind() != reflect.Interface || !reflect.TypeOf(h).Implements(f.Type()) {
		return nil, errSDK
	}
	reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(h))
	return h, nil
}

// takeDataChannels takes over the data channels. It takes those that the server opens
// before pion reads their first message. It also takes those that the recorder opens: a
// server has nothing to send on them.
func (h *engineHandler) takeDataChannels() error {
	pc := h.Room.LocalParticipant.GetSubscriberPeerConnection()
	if pc == nil {
		return errSDK
	}
	kinds := map[string]lkproto.DataPacket_Kind{"_reliable": lkproto.DataPacket_RELIABLE, "_lossy": lkproto.DataPacket_LOSSY}
	for _, kind := range kinds {
		c := h.engine.GetDataChannel(kind)
		if c == nil {
			return errSDK
		}
		c.OnMessage(func(webrtc.DataChannelMessage) {})
	}
	pc.OnDataChannel(func(c *webrtc.DataChannel) {
		kind, ours := kinds[c.Label()]
		if !ours {
			return // pion drops messages without a listener
		}
		c.OnMessage(h.s.receive)
		h.lock.Lock()
		defer h.lock.Unlock()
		*h.subs[kind] = c
	})
	return nil
}

// contain calls f and logs a fault in it. A fault leaves no lock of the SDK's
// held: the SDK frees the locks under which it handles members when it panics.
func (h *engineHandler) contain(what string, f func()) bool {
	err := fault.Contain(f)
	if err != nil {
		h.s.r.log.Error("what the server told could not be taken", "of", what, "err", err)
	}
	return err == nil
}

// OnRoomJoined is called when the connections are made, before they connect.
func (h *engineHandler) OnRoomJoined(room *lkproto.Room, me *lkproto.ParticipantInfo, others []*lkproto.ParticipantInfo, server *lkproto.ServerInfo, sifTrailer []byte) {
	if err := errors.Join(h.takeDataChannels(), h.takeTransport()); err != nil {
		h.dataErr.Store(&err)
	}
	if !h.contain("the join", func() { h.Room.OnRoomJoined(room, me, others, server, sifTrailer) }) {
		// One of the members caused a fault: take the others.
		h.contain("the join", func() { h.Room.OnRoomJoined(room, me, nil, server, sifTrailer) })
		h.OnParticipantUpdate(others)
	}
}

// OnParticipantUpdate is called with changed members. It passes each on alone: a
// fault caused by the name, attributes or tracks of one must not cost the others
// anything.
func (h *engineHandler) OnParticipantUpdate(members []*lkproto.ParticipantInfo) {
	for _, p := range members {
		h.contain("a member", func() {
			h.coming.Lock() // its tracks may have come before it
			defer h.coming.Unlock()
			h.Room.OnParticipantUpdate([]*lkproto.ParticipantInfo{p})
		})
	}
}

// Other reports of the server about members:

func (h *engineHandler) OnMediaTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	h.contain("a track", func() {
		h.coming.Lock()
		defer h.coming.Unlock()
		h.Room.OnMediaTrack(track, receiver)
	})
}

// OnRestarting is called when the SDK is about to join anew, which is not its: see oneConnection.
// It would first take out all members, beside whoever reads what the server says of them.
func (h *engineHandler) OnRestarting() { h.s.lose(lkproto.DisconnectReason_STATE_MISMATCH) }

// OnResumed is called when the connection is back. The SDK then tells the server which tracks
// have come, and looks without the lock under which they come.
func (h *engineHandler) OnResumed() {
	h.contain("the resuming", h.s.resumed) // not with ours: what it reports may have to wait
	h.contain("the resuming", func() {
		h.coming.Lock()
		defer h.coming.Unlock()
		h.Room.OnResumed()
	})
}

func (h *engineHandler) OnSpeakersChanged(speakers []*lkproto.SpeakerInfo) {
	h.contain("the speakers", func() { h.Room.OnSpeakersChanged(speakers) })
}

func (h *engineHandler) OnConnectionQuality(updates []*lkproto.ConnectionQualityInfo) {
	h.contain("a connection", func() { h.Room.OnConnectionQuality(updates) })
}

func (h *engineHandler) OnRoomUpdate(room *lkproto.Room) {
	h.contain("the room", func() { h.Room.OnRoomUpdate(room) })
}

func (h *engineHandler) OnRoomMoved(moved *lkproto.RoomMovedResponse) {
	h.contain("a move", func() { h.Room.OnRoomMoved(moved) })
}

// Reports of the engine about data. They are dropped:

func (h *engineHandler) OnDataPacket(string, lksdk.DataPacket)                     {}
func (h *engineHandler) OnTranscription(*lkproto.Transcription)                    {}
func (h *engineHandler) OnStreamHeader(*lkproto.DataStream_Header, string)         {}
func (h *engineHandler) OnStreamChunk(*lkproto.DataStream_Chunk)                   {}
func (h *engineHandler) OnStreamTrailer(*lkproto.DataStream_Trailer)               {}
func (h *engineHandler) OnRpcRequest(_, _, _, _ string, _ time.Duration, _ uint32) {}
func (h *engineHandler) OnRpcAck(string)                                           {}
func (h *engineHandler) OnRpcResponse(string, *string, *lksdk.RpcError)            {}
