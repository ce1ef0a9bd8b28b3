package egress

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/webhook"
	"github.com/twitchtv/twirp"

	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// Bounds.
const (
	maxRequest = 256 << 10 // bytes
	maxRoom    = 1024      // bytes of a room's name
	maxKnown   = 10000     // egresses that are remembered
	endedFor   = 24 * time.Hour
	lookEvery  = 2 * time.Second
	removeIn   = 15 * time.Second // who was told to leave and did not
	nameIn     = 10 * time.Second // a recorder shows which recording it makes
	listedIn   = 20 * time.Second // a server may list a dispatch late
)

// A Server is what a Front needs of a LiveKit server. *watch.LiveKit is one.
type Server interface {
	watch.Server
	// Remove throws a member out of a room.
	Remove(ctx context.Context, room, identity string) error
}

// A Config says for whom a Front works. All but Agent, Policy, Tell and Log are required.
type Config struct {
	Server Server
	// Key and Secret are those of the API: requests must be signed by them.
	Key, Secret string
	// Agent is the name that recorders are dispatched by. "" means sealtape.
	Agent string
	// Policies returns the policies that count now.
	Policies func() *fleet.Policies
	// Policy is the name of that by which rooms are recorded that it is for. "" means the one
	// that is meant for the room.
	Policy string
	// Tell is called with egress_started and egress_ended, for an application's webhooks.
	// Nil means that nobody is told.
	Tell func(context.Context, *lkproto.WebhookEvent)
	// Log gets what happens. Nil means no log.
	Log *slog.Logger
}

// A Front serves an Egress API. It is safe for concurrent use.
type Front struct {
	c Config

	starts sync.Mutex // held while one is started, so that a double click makes one
	mu     sync.Mutex // guards what follows
	known  map[string]*known
}

// known is what a Front remembers of an egress that it started, or ended.
type known struct {
	id       id
	info     *lkproto.EgressInfo
	begun    time.Time // here
	told     bool      // egress_started
	stopped  time.Time
	leaveOut map[string]bool // who was thrown out
}

// New returns a Front.
func New(c Config) (*Front, error) {
	if c.Server == nil || c.Key == "" || c.Secret == "" || c.Policies == nil {
		return nil, errors.New("egress: Config without Server, Key, Secret or Policies")
	}
	c.Agent, c.Log = cmp.Or(c.Agent, "sealtape"), cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Tell == nil {
		c.Tell = func(context.Context, *lkproto.WebhookEvent) {}
	}
	return &Front{c: c, known: make(map[string]*known)}, nil
}

// Handler answers requests to /twirp/livekit.Egress/, and nothing else.
func (f *Front) Handler() http.Handler {
	api := lkproto.NewEgressServer(service{Front: f})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, api.PathPrefix()) {
			http.NotFound(w, r)
			return
		}
		if err := f.admits(r); err != nil {
			_ = twirp.WriteError(w, err) // whoever asked may have gone
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		api.ServeHTTP(w, r)
	})
}

// admits returns an error unless a request has a token of the API key with the roomRecord
// grant.
func (f *Front) admits(r *http.Request) twirp.Error {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || len(token) > 16<<10 {
		return twirp.NewError(twirp.Unauthenticated, "no token")
	}
	v, err := auth.ParseAPIToken(token)
	if err != nil || v.APIKey() != f.c.Key {
		return twirp.NewError(twirp.Unauthenticated, "no token of this API key")
	}
	_, grants, err := v.Verify(f.c.Secret)
	if err != nil {
		return twirp.NewError(twirp.Unauthenticated, "no valid token of this API key")
	}
	if grants.Video == nil || !grants.Video.RoomRecord {
		return twirp.NewError(twirp.PermissionDenied, "the token lacks the grant roomRecord")
	}
	return nil
}

// start has a room recorded.
func (f *Front) start(ctx context.Context, r *lkproto.RoomCompositeEgressRequest) (*lkproto.EgressInfo, error) {
	without, err := ignored(r)
	switch {
	case errors.Is(err, errStreams):
		return nil, twirp.NewError(twirp.Unimplemented, err.Error())
	case err != nil:
		return nil, twirp.NewError(twirp.InvalidArgument, err.Error())
	case r.GetRoomName() == "" || len(r.GetRoomName()) > maxRoom:
		return nil, twirp.RequiredArgumentError("room_name")
	}
	f.starts.Lock()
	defer f.starts.Unlock()
	seen, err := f.room(ctx, r.GetRoomName())
	if err != nil {
		return nil, err
	}
	policy, err := f.policy(seen.Name)
	if err != nil {
		return nil, err
	}
	// Pressed twice, or watched over anyway: it is the same recording.
	if k := f.running(seen); k != nil {
		return f.info(k), nil
	}
	var begun *watch.Dispatch
	if len(seen.Recorders) > 0 {
		begun = current(seen)
	}
	if begun == nil {
		d, err := f.c.Server.Dispatch(ctx, seen.Name, f.c.Agent, fleet.Dispatch{Policy: policy.Name}.Metadata())
		if err != nil {
			return nil, upstream(err)
		}
		begun = &watch.Dispatch{ID: d.GetId(), Policy: policy.Name}
		f.c.Log.Info("a recorder was sent for", "by", "the egress front", "policy", policy.Name, "dispatch", d.GetId())
	}
	if err := f.on(ctx, seen.Name); err != nil {
		return nil, upstream(err)
	}
	k := &known{id: id{begun.ID, seen.SID, seen.Name}, begun: time.Now(), leaveOut: make(map[string]bool)}
	k.info = &lkproto.EgressInfo{EgressId: k.id.String(), RoomId: seen.SID, RoomName: seen.Name, Status: lkproto.EgressStatus_EGRESS_STARTING,
		SourceType: lkproto.EgressSourceType_EGRESS_SOURCE_TYPE_SDK, StartedAt: time.Now().UnixNano(), UpdatedAt: time.Now().UnixNano(), Details: details(without),
		Request: &lkproto.EgressInfo_RoomComposite{RoomComposite: r}, FileResults: []*lkproto.FileInfo{{}}}
	ended, err := f.begun(k, seen, time.Now())
	for _, e := range ended {
		f.c.Tell(ctx, e)
	}
	return f.info(k), err
}

// begun notes an egress. An earlier one of the meeting, which was told to stop, is over: who
// records now is no concern of its any more.
func (f *Front) begun(k *known, seen watch.Seen, now time.Time) (ended []*lkproto.WebhookEvent, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, other := range f.known {
		if other.id.room == k.id.room && !over(other.info.Status) {
			f.end(other, now)
			ended = append(ended, event(webhook.EventEgressEnded, other))
		}
	}
	f.forget(now)
	if len(f.known) >= maxKnown {
		return ended, twirp.NewError(twirp.ResourceExhausted, "too many recordings")
	}
	f.known[k.info.EgressId] = k
	if len(seen.Recorders) > 0 { // else nobody knows of the dispatch yet
		f.update(k, seen, now)
	}
	return ended, nil
}

// policy returns the policy for a room.
func (f *Front) policy(room string) (*fleet.Policy, error) {
	if f.c.Policy != "" {
		if p := f.c.Policies().Find(f.c.Policy); p != nil && p.Serves(room) {
			return p, nil
		}
		return nil, twirp.NewError(twirp.FailedPrecondition, "this room is not recorded: the policy for recording buttons is not for it")
	}
	p, err := f.c.Policies().For(room, true)
	switch {
	case err != nil:
		return nil, twirp.NewError(twirp.FailedPrecondition, "this room is not recorded: "+err.Error())
	case p == nil:
		return nil, twirp.NewError(twirp.FailedPrecondition, "this room is not recorded: no policy is for it")
	}
	return p, nil
}

// room looks at one room.
func (f *Front) room(ctx context.Context, name string) (watch.Seen, error) {
	seen, err := watch.Survey(ctx, f.c.Server, f.c.Agent, f.c.Policies(), name)
	switch {
	case err != nil:
		return watch.Seen{}, upstream(err)
	case len(seen) == 0:
		return watch.Seen{}, twirp.NewError(twirp.NotFound, "there is no such room now")
	}
	return seen[0], nil
}

// on takes back that a room is not to be recorded.
func (f *Front) on(ctx context.Context, room string) error {
	all, err := f.c.Server.Dispatches(ctx, room)
	for _, d := range all {
		if d.GetAgentName() == watch.Off(f.c.Agent) {
			err = errors.Join(err, f.c.Server.Delete(ctx, room, d.GetId()))
		}
	}
	return err
}

// stop ends a recording.
func (f *Front) stop(ctx context.Context, egress string) (*lkproto.EgressInfo, error) {
	i, ok := parseID(egress)
	if !ok {
		return nil, twirp.NewError(twirp.NotFound, "there is no such egress")
	}
	k := f.find(i)
	seen, err := f.room(ctx, i.room)
	if err != nil || seen.SID != i.sid || k == nil && !live(seen) {
		if k != nil {
			return nil, twirp.NewError(twirp.FailedPrecondition, "the egress is over")
		}
		return nil, twirp.NewError(twirp.NotFound, "there is no such egress now")
	}
	if k == nil {
		k = f.remember(i, seen)
	}
	if !seen.Off {
		if _, err := f.c.Server.Dispatch(ctx, i.room, watch.Off(f.c.Agent), "{}"); err != nil {
			return nil, upstream(err)
		}
	}
	for _, d := range seen.Dispatches {
		err = errors.Join(err, f.c.Server.Delete(ctx, i.room, d.ID))
	}
	if err != nil {
		return nil, upstream(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k.stopped.IsZero() {
		k.stopped = time.Now()
	}
	if !over(k.info.Status) {
		k.info.Status, k.info.UpdatedAt = lkproto.EgressStatus_EGRESS_ENDING, time.Now().UnixNano()
	}
	return clone(k.info), nil
}

// list returns the egresses that a request asks for.
func (f *Front) list(ctx context.Context, r *lkproto.ListEgressRequest) (*lkproto.ListEgressResponse, error) {
	var names []string
	i, named := parseID(r.GetEgressId())
	switch {
	case r.GetEgressId() != "" && !named:
		return &lkproto.ListEgressResponse{}, nil
	case named:
		names = []string{i.room}
	case r.GetRoomName() != "":
		names = []string{r.GetRoomName()}
	}
	seen, err := watch.Survey(ctx, f.c.Server, f.c.Agent, f.c.Policies(), names...)
	if err != nil {
		return nil, upstream(err)
	}
	f.follow(ctx, seen, len(names) == 0)
	for _, s := range seen {
		if f.running(s) == nil && live(s) {
			if d := current(s); d != nil {
				f.remember(id{d.ID, s.SID, s.Name}, s)
			}
		}
	}
	resp := new(lkproto.ListEgressResponse)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range sorted(f.known) {
		if named && k.id != i || r.GetRoomName() != "" && k.id.room != r.GetRoomName() || r.GetActive() && over(k.info.Status) {
			continue
		}
		resp.Items = append(resp.Items, clone(k.info))
	}
	return resp, nil
}

// upstream is an error of the LiveKit server.
func upstream(err error) error {
	var t twirp.Error
	if errors.As(err, &t) && t.Code() == twirp.NotFound {
		return twirp.NewError(twirp.NotFound, "there is no such room now")
	}
	return twirp.NewError(twirp.Unavailable, "the LiveKit server does not answer")
}
