package matrix

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/sas"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A jsPerson is a user of matrix-js-sdk, whose encryption is that of Element, on
// Node. One goroutine asks it at a time.
type jsPerson struct {
	User   id.UserID
	Device id.DeviceID
	Master id.Ed25519
	mu     sync.Mutex
	in     io.Writer
	out    *bufio.Scanner
}

// newJS registers a user and logs them in on Node.
func newJS(t *testing.T) *jsPerson {
	t.Helper()
	o := newUser(t)
	cmd := exec.CommandContext(t.Context(), "node", "node.js")
	cmd.Dir = "../../testdata/matrixjs"
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	p := &jsPerson{in: in, out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<20)
	p.do(t, p, "login", map[string]string{"homeserver": o.Homeserver, "user": o.User, "password": string(o.Password)})
	return p
}

// do has the person do something, whose answer it puts into v.
func (p *jsPerson) do(t *testing.T, v any, what string, with ...any) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if with == nil {
		with = []any{}
	}
	b, err := json.Marshal(map[string]any{"do": what, "with": with})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(p.in, "%s\n", b); err != nil {
		t.Fatal(err)
	}
	if !p.out.Scan() {
		t.Fatalf("matrix-js-sdk ended, %v: if packages are missing run npm ci in testdata/matrixjs", p.out.Err())
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %v %s", what, err, answer.Error)
	}
	if v != nil {
		if err := json.Unmarshal(answer.Value, v); err != nil {
			t.Fatal(err)
		}
	}
}

// jsState is what their client shows of a verification.
type jsState struct {
	Emoji   []string
	Decimal []int
	Done    bool
	Error   string
}

// wait asks until cond is true of what their client shows.
func (p *jsPerson) wait(t *testing.T, cond func(jsState) bool) (s jsState) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("their client shows %+v", s)
		}
	}()
	eventually(t, "their client shows it", func() bool {
		s = jsState{}
		p.do(t, &s, "state")
		return cond(s)
	})
	return s
}

// trust returns whether their client takes a device's user, and the device, for
// verified.
func (p *jsPerson) trust(t *testing.T, a *Account) (user, device bool) {
	t.Helper()
	var v struct {
		Verified bool
		Devices  map[id.DeviceID]bool
	}
	p.do(t, &v, "trust", a.User())
	return v.Verified, v.Devices[a.Device()]
}

// Emoji are compared with matrix-js-sdk: in a room and from device to device, asked
// for by either side, confirmed first by either side.
func TestVerifyJS(t *testing.T) {
	server(t)
	ada := newJS(t)
	for i := range sample.Cases(t, 8, 2) {
		room, weAsk, theyFirst := i&1 != 0, i&2 != 0, i&4 != 0
		t.Run(fmt.Sprintf("room %t, we ask %t, they confirm first %t", room, weAsk, theyFirst), func(t *testing.T) {
			bob, _, _, _ := logIn(t)
			var in id.RoomID
			ada.do(t, &in, "dm", bob.User()) // as Element does, where there is none for the two
			waits, confirmed := make(chan struct{}), make(chan struct{})
			o := newOperator()
			how := Verifying{User: string(ada.User), Wait: !weAsk, Compare: o.compare, Tell: func(s VerifyStep) {
				switch s {
				case VerifyWaits:
					close(waits)
				case VerifyConfirmed:
					close(confirmed)
				}
			}}
			if weAsk && room {
				how.Room = string(in)
			}
			if !room {
				// They know the devices only of those whom they share a room with.
				if _, err := bob.client.JoinRoomByID(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				ada.do(t, nil, "meet", bob.User(), bob.Device())
			}
			type end struct {
				of  Comparison
				err error
			}
			ended := make(chan end, 1)
			ctx := sample.Context(t)
			go func() {
				of, err := bob.Verify(ctx, how)
				ended <- end{of, err}
			}()
			if !weAsk {
				select {
				case <-waits:
				case e := <-ended:
					t.Fatal(e.err)
				}
				device := ""
				if !room {
					device = string(bob.Device())
				}
				ask := any(in)
				if !room {
					ask = nil
				}
				ada.do(t, nil, "verify", bob.User(), ask, device)
			}
			var saw sas.Shown
			select {
			case saw = <-o.saw:
			case e := <-ended:
				t.Fatal(e.err)
			}
			theirs := ada.wait(t, func(s jsState) bool { return len(s.Emoji) > 0 || s.Error != "" })
			var ours []string
			for _, e := range saw.Emoji {
				ours = append(ours, e.Symbol)
			}
			if !slices.Equal(ours, theirs.Emoji) || !slices.Equal(saw.Decimal[:], theirs.Decimal) {
				t.Fatalf("we see %v %v, they see %+v", ours, saw.Decimal, theirs)
			}
			if theyFirst {
				ada.do(t, nil, "confirm", true)
				o.says <- true
			} else {
				o.says <- true
				<-confirmed
				ada.do(t, nil, "confirm", true)
			}
			e := <-ended
			if e.err != nil || e.of.Master != string(ada.Master) {
				t.Fatalf("%+v, %v", e.of, e.err)
			}
			ada.wait(t, func(s jsState) bool { return s.Done })
			eventually(t, "to them, our user and our device are verified", func() bool {
				user, device := ada.trust(t, bob)
				return user && device
			})
			if err := bob.again(t.Context(), ada.User); err != nil {
				t.Fatal(err)
			}
			bob.mu.Lock()
			d := bob.state.device(Target{ada.User, ada.Device})
			bob.mu.Unlock()
			if _, standing := bob.Standing(ada.User, d.Identity, d.Signing); standing != Verified {
				t.Errorf("to us, their device is %s", standing)
			}
		})
	}

	// They see something else, and say so.
	bob, _, _, _ := logIn(t)
	var in id.RoomID
	ada.do(t, &in, "dm", bob.User())
	o := newOperator()
	ended := make(chan error, 1)
	go func() {
		_, err := bob.Verify(t.Context(), Verifying{User: string(ada.User), Room: string(in), Compare: o.compare})
		ended <- err
	}()
	select {
	case <-o.saw:
	case err := <-ended:
		t.Fatal(err)
	}
	ada.wait(t, func(s jsState) bool { return len(s.Emoji) > 0 })
	ada.do(t, nil, "confirm", false)
	if err := <-ended; !errors.Is(err, sas.ErrNotSame) {
		t.Errorf("they said no: %v", err)
	}
	if len(bob.Compared()) != 0 {
		t.Error("they are verified")
	}
}
