package watch

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/twitchtv/twirp"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// What a server may say, at most; what is beyond is not looked at.
const (
	maxText       = 512 // of an attribute
	maxDispatches = 4096
)

// callTime is how long one question to the server may take. A deletion waits some 5 s for
// workers.
const callTime = 15 * time.Second

// answerTime is how long a recorder has to say that it is there.
const answerTime = 4 * time.Second

// Off returns the name of an agent that nobody is, and that stands for the wish that the
// rooms of agent are not recorded.
func Off(agent string) string { return agent + "-off" }

// A Server is what is asked of a LiveKit server. *LiveKit is one.
type Server interface {
	// Rooms returns all rooms.
	Rooms(ctx context.Context) ([]*lkproto.Room, error)
	// Participants returns who is in a room.
	Participants(ctx context.Context, room string) ([]*lkproto.ParticipantInfo, error)
	// Dispatches returns the dispatches of all agents in a room.
	Dispatches(ctx context.Context, room string) ([]*lkproto.AgentDispatch, error)
	// Dispatch asks for an agent in a room.
	Dispatch(ctx context.Context, room, agent, metadata string) (*lkproto.AgentDispatch, error)
	// Delete deletes a dispatch. That ends its job.
	Delete(ctx context.Context, room, dispatch string) error
	// Answers reports whether a member answers now. It is no error that there is none.
	Answers(ctx context.Context, room, identity string) (bool, error)
	// Precede tells a recorder which recording lost its recorder before.
	Precede(ctx context.Context, room, identity, recording string) error
}

// A LiveKit is a server and a key to its API.
type LiveKit struct {
	key, secret string
	rooms       *lksdk.RoomServiceClient
	raw         lkproto.RoomService // for what the SDK leaves out
	dispatches  *lksdk.AgentDispatchClient
}

// NewLiveKit returns the server at url, which it asks with an API key and its secret. Each
// question has a token of its own, for one room if it is about one.
func NewLiveKit(url, key, secret string) *LiveKit {
	web := url
	if rest, ok := strings.CutPrefix(url, "ws"); ok {
		web = "http" + rest
	}
	return &LiveKit{key, secret, lksdk.NewRoomServiceClient(url, key, secret),
		lkproto.NewRoomServiceProtobufClient(web, http.DefaultClient), lksdk.NewAgentDispatchServiceClient(url, key, secret)}
}

// Rooms implements Server.
func (l *LiveKit) Rooms(ctx context.Context) ([]*lkproto.Room, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := l.rooms.ListRooms(ctx, &lkproto.ListRoomsRequest{})
	return r.GetRooms(), err
}

// Room returns one room, nil if there is none of this name.
func (l *LiveKit) Room(ctx context.Context, name string) (*lkproto.Room, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := l.rooms.ListRooms(ctx, &lkproto.ListRoomsRequest{Names: []string{name}})
	for _, room := range r.GetRooms() {
		if room.GetName() == name {
			return room, nil
		}
	}
	return nil, err
}

// Participants implements Server.
func (l *LiveKit) Participants(ctx context.Context, room string) ([]*lkproto.ParticipantInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := l.rooms.ListParticipants(ctx, &lkproto.ListParticipantsRequest{Room: room})
	return r.GetParticipants(), err
}

// Dispatches implements Server.
func (l *LiveKit) Dispatches(ctx context.Context, room string) ([]*lkproto.AgentDispatch, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := l.dispatches.ListDispatch(ctx, &lkproto.ListAgentDispatchRequest{Room: room})
	return r.GetAgentDispatches(), err
}

// Dispatch implements Server.
func (l *LiveKit) Dispatch(ctx context.Context, room, agent, metadata string) (*lkproto.AgentDispatch, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return l.dispatches.CreateDispatch(ctx, &lkproto.CreateAgentDispatchRequest{Room: room, AgentName: agent, Metadata: metadata})
}

// Delete implements Server.
func (l *LiveKit) Delete(ctx context.Context, room, dispatch string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := l.dispatches.DeleteDispatch(ctx, &lkproto.DeleteAgentDispatchRequest{Room: room, DispatchId: dispatch})
	return err
}

// Precede implements Server: it is an attribute beside the recorder, which all members see.
func (l *LiveKit) Precede(ctx context.Context, room, identity, recording string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := l.rooms.UpdateParticipant(ctx, &lkproto.UpdateParticipantRequest{Room: room, Identity: identity, Attributes: map[string]string{beforeAttribute: recording}})
	return err
}

// Begin asks for a recorder in a room by a policy, and takes back that the room is not to be
// recorded. The server makes a room that there is not, if it makes rooms. It returns the ID
// of the dispatch.
func (l *LiveKit) Begin(ctx context.Context, room, agent, policy string) (string, error) {
	r, err := l.Room(ctx, room)
	if err != nil {
		return "", err
	}
	var before []*lkproto.AgentDispatch
	if r != nil { // of others it knows none
		if before, err = l.Dispatches(ctx, room); err != nil {
			return "", err
		}
	}
	d, err := l.Dispatch(ctx, room, agent, fleet.Dispatch{Policy: policy}.Metadata())
	if err != nil {
		return "", err
	}
	for _, was := range before {
		if was.GetAgentName() == Off(agent) {
			err = errors.Join(err, l.Delete(ctx, room, was.GetId()))
		}
	}
	return d.GetId(), err
}

// Ask has a method of a member called, and returns their answer.
func (l *LiveKit) Ask(ctx context.Context, room, identity, method, payload string) (string, error) {
	return l.ask(ctx, room, identity, method, payload, callTime)
}

// Answers implements Server. It calls a method that no recorder has: whoever is there says so,
// or at least, within 2 s, that the question came.
func (l *LiveKit) Answers(ctx context.Context, room, identity string) (bool, error) {
	_, err := l.ask(ctx, room, identity, "sealtape.there", "", answerTime)
	var refused twirp.Error
	if err == nil || !errors.As(err, &refused) {
		return err == nil, err
	}
	switch refused.Code() {
	case twirp.InvalidArgument: // there is no such method
		return true, nil
	case twirp.Unimplemented, twirp.BadRoute: // this server cannot ask
		return true, nil
	case twirp.Canceled, twirp.DeadlineExceeded, twirp.NotFound, twirp.Unavailable, twirp.Internal:
		// Nobody answered in time, or there is no such member, or the server could not ask, which
		// it says of one whom it counts as lost, for 5 s before it lists them no more. Where the
		// server itself was not reached there is a cause, and what stands before it says much the
		// same of the server: then nothing is known of the member.
		if errors.Unwrap(refused) == nil && refused.Meta(fromIntermediary) == "" {
			return false, nil
		}
	}
	return false, err
}

// fromIntermediary is the key under which the client notes of an error that it is not from the
// server: the answer was none of its API's.
const fromIntermediary = "http_error_from_intermediary"

func (l *LiveKit) ask(ctx context.Context, room, identity, method, payload string, within time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	token, err := auth.NewAccessToken(l.key, l.secret).SetVideoGrant(&auth.VideoGrant{RoomAdmin: true, Room: room}).SetValidFor(time.Minute).ToJWT()
	if err != nil {
		return "", err
	}
	if ctx, err = twirp.WithHTTPRequestHeaders(ctx, http.Header{"Authorization": {"Bearer " + token}}); err != nil {
		return "", err
	}
	r, err := l.raw.PerformRpc(ctx, &lkproto.PerformRpcRequest{Room: room, DestinationIdentity: identity, Method: method, Payload: payload,
		ResponseTimeoutMs: uint32((within - time.Second).Milliseconds())})
	return r.GetPayload(), err
}

// Remove throws a member out of a room.
func (l *LiveKit) Remove(ctx context.Context, room, identity string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := l.rooms.RemoveParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: room, Identity: identity})
	return err
}

// Refused reports whether the server does not take the API key and its secret.
func Refused(err error) bool {
	code, ok := twirpStatus(err)
	return ok && (code == http.StatusUnauthorized || code == http.StatusForbidden)
}

// roomOf returns what a list of rooms says of one.
func roomOf(r *lkproto.Room) Room {
	made := time.UnixMilli(cmp.Or(r.GetCreationTimeMs(), r.GetCreationTime()*1000))
	return Room{Name: r.GetName(), SID: clamp(r.GetSid()), Made: made, People: int(r.GetNumParticipants())}
}

// present puts those who are in the room into r.
func (r *Room) present(all []*lkproto.ParticipantInfo) {
	r.People, r.Recorders = 0, nil
	for _, p := range all {
		if p.GetState() == lkproto.ParticipantInfo_DISCONNECTED {
			continue
		}
		//lint:ignore SA1019 no other word says that a member of kind standard records
		machine := p.GetPermission().GetRecorder()
		switch p.GetKind() {
		case lkproto.ParticipantInfo_AGENT, lkproto.ParticipantInfo_EGRESS, lkproto.ParticipantInfo_INGRESS:
			machine = true
		}
		if !machine {
			if !p.GetPermission().GetHidden() {
				r.People++
			}
			continue
		}
		shown := p.GetAttributes()
		rec := Recorder{Identity: p.GetIdentity(), State: clamp(shown["sealtape.state"]), Recording: clamp(shown["sealtape.recording"]),
			Words: clamp(shown["sealtape.key"]), Before: clamp(shown[beforeAttribute]), Joined: time.UnixMilli(cmp.Or(p.GetJoinedAtMs(), p.GetJoinedAt()*1000))}
		switch rec.State {
		case "waiting", "recording", "paused":
		case "":
			if rec.Identity != fleet.Identity(r.Name) {
				continue
			}
		default:
			continue
		}
		r.Recorders = append(r.Recorders, rec)
	}
	slices.SortFunc(r.Recorders, func(a, b Recorder) int {
		return cmp.Or(a.Joined.Compare(b.Joined), strings.Compare(a.Identity, b.Identity))
	})
}

// asked puts the dispatches of agent, and of its hosts alone, into r. offset is what the server's clock is ahead.
func (r *Room) asked(all []*lkproto.AgentDispatch, agent string, offset time.Duration) {
	r.Dispatches, r.Notes, r.Off = nil, nil, false
	for _, d := range all[:min(len(all), maxDispatches)] {
		switch d.GetAgentName() {
		case Off(agent):
			r.Off = true
		case noted(agent):
			if len(r.Notes) < maxNotes {
				r.Notes = append(r.Notes, noteOf(d))
			}
		}
		if !fleet.IsOurs(agent, d.GetAgentName()) || d.GetState().GetDeletedAt() != 0 {
			continue
		}
		one := Dispatch{ID: d.GetId(), Made: fromNano(d.GetState().GetCreatedAt()).Add(-offset)}
		if said, err := fleet.ParseDispatch(d.GetMetadata()); err == nil {
			one.Policy = said.Policy
		}
		for _, j := range d.GetState().GetJobs() {
			job := Job{Identity: j.GetState().GetParticipantIdentity()}
			switch j.GetState().GetStatus() {
			case lkproto.JobStatus_JS_SUCCESS:
				job.State = Done
			case lkproto.JobStatus_JS_FAILED:
				job.State = Failed
			}
			if job.State != Running {
				job.Ended = fromNano(j.GetState().GetEndedAt())
			}
			one.Jobs = append(one.Jobs, job)
		}
		r.Dispatches = append(r.Dispatches, one)
	}
	slices.SortFunc(r.Dispatches, func(a, b Dispatch) int { return cmp.Or(a.Made.Compare(b.Made), strings.Compare(a.ID, b.ID)) })
	slices.SortFunc(r.Notes, func(a, b Note) int { return cmp.Or(a.Made.Compare(b.Made), strings.Compare(a.ID, b.ID)) })
}

// fromNano returns a time of so many nanoseconds since 1970; 0 is none.
func fromNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func clamp(s string) string { return s[:min(len(s), maxText)] }

// twirpStatus returns the HTTP status that stands for an error of the server's API.
func twirpStatus(err error) (int, bool) {
	var t twirp.Error
	if !errors.As(err, &t) {
		return 0, false
	}
	return twirp.ServerHTTPStatusFromErrorCode(t.Code()), true
}

// NoRoom reports whether the server has no such room now, nor what was asked for in it. What
// does not know the server's API has no word on that.
func NoRoom(err error) bool {
	var t twirp.Error
	return errors.As(err, &t) && t.Code() == twirp.NotFound && t.Meta(fromIntermediary) == ""
}

// Silent reports whether nobody answered, or a server that could not.
func Silent(err error) bool {
	code, ok := twirpStatus(err)
	_, foreign := Foreign(err)
	return ok && !foreign && code >= http.StatusInternalServerError
}

// Foreign reports whether somebody answered that is not the server's API, such as a proxy before
// it or another site, and with which HTTP status. The server itself refuses a key in the same
// way: see Refused.
func Foreign(err error) (status string, ok bool) {
	var t twirp.Error
	if !errors.As(err, &t) || t.Meta(fromIntermediary) == "" {
		return "", false
	}
	return t.Meta("status_code"), true
}
