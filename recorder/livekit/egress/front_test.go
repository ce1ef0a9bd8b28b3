package egress

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/webhook"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/twitchtv/twirp"
)

var both = map[string]string{"board": "rooms: ['board*']\nstart: asked\n", "other": "rooms: [other]\n"}

func request() *lkproto.RoomCompositeEgressRequest {
	return &lkproto.RoomCompositeEgressRequest{RoomName: "board room/1", Layout: "grid",
		FileOutputs: []*lkproto.EncodedFileOutput{{Filepath: "{room_name}-{time}.mp4"}}}
}

// LiveKit's own client starts, lists and stops a recording, and the application hears of it.
func TestEgress(t *testing.T) {
	s := newStage(t, both, nil)
	c := lksdk.NewEgressClient(s.url, testKey, testSecret)
	i, err := c.StartRoomCompositeEgress(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	if i.RoomName != "board room/1" || i.RoomId != "RM_1" || i.Status != lkproto.EgressStatus_EGRESS_STARTING || !strings.HasPrefix(i.EgressId, "EG_1_1_") ||
		!strings.Contains(i.Details, "sealed recording") || !strings.Contains(i.Details, "file_outputs, layout") {
		t.Errorf("%v", i)
	}
	if got := s.server.agents(); !slices.Equal(got, []string{`sealtape{"policy":"board"}`}) {
		t.Errorf("dispatched %q", got)
	}
	// A second click makes no second recording.
	if again, err := c.StartRoomCompositeEgress(t.Context(), request()); err != nil || again.EgressId != i.EgressId || len(s.server.agents()) != 1 {
		t.Errorf("%v, %v", again, err)
	}
	s.server.set(func() { s.server.recorder = "waiting" })
	s.turn(t)
	s.server.set(func() { s.server.recorder = "recording" })
	s.turn(t)
	if e := s.hears(t); e.Event != webhook.EventEgressStarted || e.EgressInfo.EgressId != i.EgressId || e.EgressInfo.FileResults[0].Location != "sealtape:F2JE7ZY04P971PR0YHVBFNECP0" {
		t.Errorf("%v", e)
	}
	s.turn(t)
	for _, r := range []*lkproto.ListEgressRequest{{}, {Active: true}, {RoomName: "board room/1"}, {EgressId: i.EgressId}} {
		l, err := c.ListEgress(t.Context(), r)
		if err != nil || len(l.Items) != 1 || l.Items[0].Status != lkproto.EgressStatus_EGRESS_ACTIVE || l.Items[0].FileResults[0].StartedAt == 0 {
			t.Errorf("%v: %v, %v", r, l, err)
		}
	}
	for _, r := range []*lkproto.ListEgressRequest{{RoomName: "other"}, {EgressId: "EG_x"}, {EgressId: id{"AD_9", "RM_1", "board room/1"}.String()}} {
		if l, err := c.ListEgress(t.Context(), r); err != nil || len(l.Items) != 0 {
			t.Errorf("%v: %v, %v", r, l, err)
		}
	}
	stopped, err := c.StopEgress(t.Context(), &lkproto.StopEgressRequest{EgressId: i.EgressId})
	if err != nil || stopped.Status != lkproto.EgressStatus_EGRESS_ENDING {
		t.Errorf("%v, %v", stopped, err)
	}
	if got := s.server.agents(); !slices.Equal(got, []string{"sealtape-off{}"}) {
		t.Errorf("after the stop there are %q", got)
	}
	s.server.set(func() { s.server.recorder = "" })
	s.turn(t)
	e := s.hears(t)
	if f := e.EgressInfo.FileResults[0]; e.Event != webhook.EventEgressEnded || e.EgressInfo.Status != lkproto.EgressStatus_EGRESS_COMPLETE || f.EndedAt <= f.StartedAt || f.Duration <= 0 {
		t.Errorf("%v", e)
	}
	if l, err := c.ListEgress(t.Context(), &lkproto.ListEgressRequest{EgressId: i.EgressId}); err != nil || len(l.Items) != 1 || l.Items[0].EndedAt == 0 {
		t.Errorf("%v, %v", l, err)
	}
	if l, err := c.ListEgress(t.Context(), &lkproto.ListEgressRequest{Active: true}); err != nil || len(l.Items) != 0 {
		t.Errorf("%v, %v", l, err)
	}
	// And anew, which takes back that the room is not to be recorded.
	if next, err := c.StartRoomCompositeEgress(t.Context(), request()); err != nil || next.EgressId == i.EgressId {
		t.Errorf("%v, %v", next, err)
	}
	if got := s.server.agents(); !slices.Equal(got, []string{`sealtape{"policy":"board"}`}) {
		t.Errorf("dispatched %q", got)
	}
	s.server.set(func() { s.server.sid = "" })
	s.turn(t)
	if e := s.hears(t); e.Event != webhook.EventEgressEnded || e.EgressInfo.Status != lkproto.EgressStatus_EGRESS_ABORTED {
		t.Errorf("%v", e)
	}
}

// A front that begins anew lists and stops what another began, and throws out a recorder that
// its dispatch does not reach, but none that was started since.
func TestAnotherFront(t *testing.T) {
	s := newStage(t, both, nil)
	c := lksdk.NewEgressClient(s.url, testKey, testSecret)
	i, err := c.StartRoomCompositeEgress(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	s.server.set(func() { s.server.recorder = "recording" })
	s.front.known = make(map[string]*known)
	if l, err := c.ListEgress(t.Context(), &lkproto.ListEgressRequest{}); err != nil || len(l.Items) != 1 || l.Items[0].EgressId != i.EgressId {
		t.Fatalf("%v, %v", l, err)
	}
	s.front.known = make(map[string]*known)
	if _, err := c.StopEgress(t.Context(), &lkproto.StopEgressRequest{EgressId: i.EgressId}); err != nil {
		t.Fatal(err)
	}
	s.turn(t)
	if len(s.server.removed) != 0 {
		t.Errorf("threw out %q at once", s.server.removed)
	}
	s.front.known[i.EgressId].stopped = time.Now().Add(-2 * removeIn)
	s.turn(t)
	s.turn(t)
	if !slices.Equal(s.server.removed, []string{"rec"}) {
		t.Errorf("threw out %q", s.server.removed)
	}
	if _, err := c.StartRoomCompositeEgress(t.Context(), request()); err != nil {
		t.Fatal(err)
	}
	s.server.set(func() { s.server.removed = nil })
	s.turn(t)
	if len(s.server.removed) != 0 {
		t.Errorf("threw out %q, who was started since", s.server.removed)
	}
}

// What is refused, and how.
func TestRefuses(t *testing.T) {
	s := newStage(t, both, nil)
	c := lksdk.NewEgressClient(s.url, testKey, testSecret)
	start := func(change func(*lkproto.RoomCompositeEgressRequest)) error {
		r := request()
		change(r)
		_, err := c.StartRoomCompositeEgress(t.Context(), r)
		return err
	}
	code := func(err error) twirp.ErrorCode {
		var t twirp.Error
		if errors.As(err, &t) {
			return t.Code()
		}
		return ""
	}
	const secret = "eve-can-read-this"
	for name, tt := range map[string]struct {
		err  error
		code twirp.ErrorCode
	}{
		"keys to S3": {start(func(r *lkproto.RoomCompositeEgressRequest) {
			r.FileOutputs[0].Output = &lkproto.EncodedFileOutput_S3{S3: &lkproto.S3Upload{Bucket: "b", AccessKey: "AKIA", Secret: secret}}
		}), twirp.InvalidArgument},
		"keys to Google's store": {start(func(r *lkproto.RoomCompositeEgressRequest) {
			r.SegmentOutputs = []*lkproto.SegmentedFileOutput{{Output: &lkproto.SegmentedFileOutput_Gcp{Gcp: &lkproto.GCPUpload{Credentials: secret}}}}
		}), twirp.InvalidArgument},
		"keys to Azure": {start(func(r *lkproto.RoomCompositeEgressRequest) {
			r.ImageOutputs = []*lkproto.ImageOutput{{Output: &lkproto.ImageOutput_Azure{Azure: &lkproto.AzureBlobUpload{AccountKey: secret}}}}
		}), twirp.InvalidArgument},
		"keys as older clients send them": {start(func(r *lkproto.RoomCompositeEgressRequest) {
			r.Output = &lkproto.RoomCompositeEgressRequest_File{File: &lkproto.EncodedFileOutput{Output: &lkproto.EncodedFileOutput_AliOSS{AliOSS: &lkproto.AliOSSUpload{Secret: secret}}}}
		}), twirp.InvalidArgument},
		"a stream": {start(func(r *lkproto.RoomCompositeEgressRequest) {
			r.StreamOutputs = []*lkproto.StreamOutput{{Urls: []string{"rtmp://x/" + secret}}}
		}), twirp.Unimplemented},
		"no room":                 {start(func(r *lkproto.RoomCompositeEgressRequest) { r.RoomName = "" }), twirp.InvalidArgument},
		"a room that is not open": {start(func(r *lkproto.RoomCompositeEgressRequest) { r.RoomName = "other" }), twirp.NotFound},
		"another method": {func() error {
			_, err := c.StartTrackEgress(t.Context(), &lkproto.TrackEgressRequest{RoomName: "board room/1"})
			return err
		}(), twirp.Unimplemented},
		"another egress": {func() error {
			_, err := c.StopEgress(t.Context(), &lkproto.StopEgressRequest{EgressId: "EG_xyz"})
			return err
		}(), twirp.NotFound},
		"another key": {func() error {
			_, err := lksdk.NewEgressClient(s.url, "APIother", testSecret).ListEgress(t.Context(), &lkproto.ListEgressRequest{})
			return err
		}(), twirp.Unauthenticated},
		"another secret": {func() error {
			_, err := lksdk.NewEgressClient(s.url, testKey, testSecret+"x").ListEgress(t.Context(), &lkproto.ListEgressRequest{})
			return err
		}(), twirp.Unauthenticated},
	} {
		if code(tt.err) != tt.code || tt.err != nil && strings.Contains(tt.err.Error(), secret) {
			t.Errorf("%s: %v, want %s", name, tt.err, tt.code)
		}
	}
	if got := s.server.agents(); len(got) != 0 {
		t.Errorf("dispatched %q", got)
	}
	// A member's token, and one of somebody who may do anything else.
	for _, grant := range []*auth.VideoGrant{{RoomJoin: true, Room: "board room/1"}, {RoomAdmin: true, RoomCreate: true, RoomList: true, Room: "board room/1"}, nil} {
		token, err := auth.NewAccessToken(testKey, testSecret).SetVideoGrant(grant).SetValidFor(time.Minute).ToJWT()
		if err != nil {
			t.Fatal(err)
		}
		if got := post(t, s.url+"/twirp/livekit.Egress/ListEgress", "Bearer "+token); got != http.StatusForbidden {
			t.Errorf("%v: %d", grant, got)
		}
	}
	for path, want := range map[string]int{"/twirp/livekit.Egress/ListEgress": 401, "/twirp/livekit.RoomService/ListRooms": 404, "/": 404, "/rtc": 404} {
		if got := post(t, s.url+path, ""); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func post(t *testing.T, url, authorization string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", authorization)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// A room is recorded by the policy that is meant for it, or by that for recording buttons.
func TestPolicies(t *testing.T) {
	for name, tt := range map[string]struct {
		texts  map[string]string
		policy string
		want   string // "" for a refusal
	}{
		"the room's":            {both, "", "board"},
		"none":                  {map[string]string{"other": "rooms: [other]\n"}, "", ""},
		"two":                   {map[string]string{"a": "rooms: ['*']\n", "b": "rooms: ['*']\n"}, "", ""},
		"that for buttons":      {map[string]string{"a": "rooms: ['*']\n", "b": "rooms: ['*']\n"}, "b", "b"},
		"it is for other rooms": {both, "other", ""},
		"it is gone":            {both, "gone", ""},
	} {
		s := newStage(t, tt.texts, func(c *Config) { c.Policy = tt.policy })
		_, err := lksdk.NewEgressClient(s.url, testKey, testSecret).StartRoomCompositeEgress(t.Context(), request())
		got := s.server.agents()
		if tt.want == "" {
			if err == nil || len(got) != 0 {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, []string{`sealtape{"policy":"` + tt.want + `"}`}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzID: an ID that is taken is the one that its parts have.
func FuzzID(f *testing.F) {
	for _, s := range []string{id{"AD_abc", "RM_def", "board room/1"}.String(), "EG_a_b_", "EG__b_eA", "EG_a_b_eB", "EG_a_b_c_d", "AD_x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, ok := parseID(s)
		if ok && (i.String() != s || i.room == "" || i.dispatch == "AD_" || i.sid == "RM_") {
			t.Fatalf("%q is %+v", s, i)
		}
		if !ok && i.room != "" && i.String() == s {
			t.Fatalf("%q is refused", s)
		}
	})
}
