package network_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"

	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/network"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A lab is a Network before a server that answers each line of signalling with
// its user name fragment and sends back each packet of media.
type lab struct {
	*network.Network
	c     *network.Client
	tcp   net.Conn
	lines *bufio.Reader
	udp   *net.UDPConn
}

func newLab(t *testing.T) *lab {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	go func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for r := bufio.NewReader(conn); ; {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if line != "\r\n" {
						fmt.Fprintf(conn, "a=ice-ufrag:server\r\n%s", line)
					}
				}
			}()
		}
	}()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	go func() {
		for buf := make([]byte, 2048); ; {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			udp.WriteTo(buf[:n], from)
		}
	}()
	relay, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	relay.Close() // its port is free, most likely for some time to come
	n, err := network.Start(network.Config{Server: "ws://" + tcp.Addr().String(), Media: udp.LocalAddr().String(), Relay: relay.LocalAddr().String(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &lab{Network: n}
	if l.c, err = n.Client("ada"); err != nil {
		t.Fatal(err)
	}
	if l.udp, err = net.DialUDP("udp", nil, relay.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.udp.Close() })
	l.dial(t)
	return l
}

func (l *lab) dial(t *testing.T) {
	t.Helper()
	var err error
	if l.tcp, err = net.Dial("tcp", strings.TrimPrefix(l.c.URL, "ws://")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.tcp.Close() })
	l.lines = bufio.NewReader(l.tcp)
}

// ask sends a request and returns the answer.
func (l *lab) ask(t *testing.T, request string) string {
	t.Helper()
	fmt.Fprint(l.tcp, request)
	answer, err := l.lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return answer
}

// check is a connectivity check for the server's fragment.
func check(fragment string) []byte {
	name := fragment + ":client"
	p := make([]byte, 24, 64)
	binary.BigEndian.PutUint16(p, 1)
	binary.BigEndian.PutUint32(p[4:], 0x2112A442)
	binary.BigEndian.PutUint16(p[20:], 6)
	binary.BigEndian.PutUint16(p[22:], uint16(len(name)))
	return append(p, name...)
}

// rtp is packet n; the end of it numbers it.
func rtp(n int) []byte { return append([]byte{0x80, 111}, byte(n>>8), byte(n)) }

// meet makes the lab's socket known to the relay.
func (l *lab) meet(t *testing.T) {
	t.Helper()
	l.ask(t, "GET / HTTP/1.1\r\n\r\n")
	l.udp.Write(check("server"))
	if _, err := l.udp.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
}

// send sends count packets to the server, one after the other, and returns the
// numbers of those that came back, in order of arrival. It waits until none is
// on its way.
func (l *lab) send(t *testing.T, count int) (came []int) {
	t.Helper()
	ctx := sample.Context(t)
	l.udp.SetReadDeadline(time.Time{})
	up, down := l.c.Up.Counts(), l.c.Down.Counts()
	var got atomic.Int64
	read := make(chan struct{})
	go func() {
		defer close(read)
		for buf := make([]byte, 100); ; {
			n, err := l.udp.Read(buf)
			if err != nil {
				return
			}
			came = append(came, int(binary.BigEndian.Uint16(buf[n-2:])))
			got.Add(1)
		}
	}()
	until := func(what string, cond func() bool) {
		t.Helper()
		for !cond() {
			if time.Sleep(100 * time.Microsecond); ctx.Err() != nil {
				t.Fatalf("%s: %d of %d came, up %+v, down %+v", what, got.Load(), count, l.c.Up.Counts(), l.c.Down.Counts())
			}
		}
	}
	stray := l.Stray()
	for n := range count {
		l.udp.Write(rtp(n))
		until("sending", func() bool { return l.c.Up.Counts().Came-up.Came+l.Stray()-stray == n+1 })
	}
	count -= l.Stray() - stray
	passed := func(now, before network.Counts) int { return now.Passed[network.RTP] - before.Passed[network.RTP] }
	dropped := func(now, before network.Counts) int { return now.Dropped[network.RTP] - before.Dropped[network.RTP] }
	until("the way there", func() bool {
		now := l.c.Up.Counts()
		return passed(now, up)+dropped(now, up) == count+now.Duplicated-up.Duplicated
	})
	until("the way back", func() bool {
		now := l.c.Down.Counts()
		return passed(now, down)+dropped(now, down) == passed(l.c.Up.Counts(), up) && int(got.Load()) == passed(now, down)
	})
	l.udp.SetReadDeadline(time.Now())
	<-read
	l.udp.SetReadDeadline(time.Time{})
	return came
}

func TestImpairments(t *testing.T) {
	const count = 400
	for _, c := range []struct {
		name string
		i    network.Impairment
		fits func(came []int, n network.Counts) bool
	}{
		{"none", network.Impairment{}, func(came []int, _ network.Counts) bool { return len(came) == count && slices.IsSorted(came) }},
		{"all lost", network.Impairment{Loss: 1}, func(came []int, n network.Counts) bool {
			return len(came) == 0 && n.Dropped[network.RTP] == count
		}},
		{"loss", network.Impairment{Loss: 0.2}, func(came []int, n network.Counts) bool {
			return len(came) > count/2 && len(came) < count && slices.IsSorted(came) && n.Dropped[network.RTP] == count-len(came)
		}},
		{"bursts", network.Impairment{Burst: network.Burst{Enter: 0.02, Leave: 0.2, Loss: 1}}, func(came []int, n network.Counts) bool {
			runs := 0
			for i := 1; i < len(came); i++ {
				if came[i]-came[i-1] > 2 {
					runs++
				}
			}
			return runs > 0 && n.Dropped[network.RTP] == count-len(came)
		}},
		{"duplicates", network.Impairment{Duplicate: 0.1}, func(came []int, n network.Counts) bool {
			return n.Duplicated > 0 && len(came) == count+n.Duplicated
		}},
		{"reordering", network.Impairment{Reorder: 0.1, ReorderBy: 30 * time.Millisecond}, func(came []int, n network.Counts) bool {
			sorted := slices.Sorted(slices.Values(came))
			return n.Reordered > 0 && len(came) == count && !slices.IsSorted(came) && sorted[0] == 0 && sorted[count-1] == count-1
		}},
		{"jitter", network.Impairment{Delay: 50 * time.Millisecond, Jitter: 40 * time.Millisecond}, func(came []int, _ network.Counts) bool {
			return len(came) == count && slices.IsSorted(came)
		}},
		// A packet of 4 bytes takes 32 ms; half a second of them may wait.
		{"cap", network.Impairment{Rate: 1000}, func(came []int, n network.Counts) bool {
			return len(came) >= 10 && len(came) < count && slices.IsSorted(came) && n.Dropped[network.RTP] == count-len(came)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.meet(t)
			l.c.Up.Set(c.i)
			came := l.send(t, count)
			if n := l.c.Up.Counts(); !c.fits(came, n) {
				t.Errorf("%d of %d came, counted %+v: %v", len(came), count, n, came)
			}
			if down := l.c.Down.Counts(); down.Dropped != (network.Counts{}).Dropped {
				t.Errorf("dropped on the way back: %+v", down)
			}
			if n := l.Stray(); n != 0 {
				t.Errorf("%d strays", n)
			}
		})
	}
}

// The same seed drops the same packets.
func TestSeed(t *testing.T) {
	var before []int
	for range 2 {
		l := newLab(t)
		l.meet(t)
		l.c.Up.Set(network.Impairment{Loss: 0.3})
		came := l.send(t, 100)
		if before != nil && !slices.Equal(came, before) {
			t.Errorf("came %v, and before that %v", came, before)
		}
		before = came
	}
}

func TestStrays(t *testing.T) {
	l := newLab(t)
	l.ask(t, "GET / HTTP/1.1\r\n\r\n")
	l.udp.Write(check("somebody"))
	for ctx := sample.Context(t); l.Stray() == 0; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("no stray")
		}
	}
	if came := l.send(t, 10); len(came) > 0 || l.Stray() != 11 {
		t.Errorf("%v came, %d strays", came, l.Stray())
	}
	l.meet(t)
	if came := l.send(t, 10); len(came) != 10 {
		t.Errorf("%v came", came)
	}
}

func TestSignalling(t *testing.T) {
	l := newLab(t)
	l.meet(t)
	// What signalling sends while it is cut arrives after.
	l.c.Cut()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		l.ask(t, "after\n")
	}()
	if came := l.send(t, 10); len(came) > 0 {
		t.Errorf("%v came although all is cut", came)
	}
	select {
	case <-asked:
		t.Error("an answer came although all is cut")
	default:
	}
	l.c.Mend()
	<-asked
	if came := l.send(t, 10); len(came) != 10 {
		t.Errorf("%v came after all was mended", came)
	}
	l.c.Reset()
	if _, err := l.lines.ReadByte(); err == nil || err == io.EOF {
		t.Errorf("a connection that was reset: %v", err)
	}
	l.dial(t)
	l.ask(t, "GET / HTTP/1.1\r\n\r\n")
}

// Offers of compression do not get through, all else does.
func TestHead(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	n, err := network.Start(network.Config{Server: "ws://" + at.Addr().String(), Media: "127.0.0.1:9", Relay: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	c, err := n.Client("ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"A: 1\r\nSec-WebSocket-Extensions: permessage-deflate\r\nB: 2\r\n", "A: 1\r\nB: 2\r\nsec-websocket-extensions: x\r\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "ws://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\n%s\r\nbody", order)
		server, err := at.Accept()
		if err != nil {
			t.Fatal(err)
		}
		const want = "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\nbody"
		got := make([]byte, len(want))
		if _, err := io.ReadFull(server, got); err != nil || string(got) != want {
			t.Errorf("got %q, %v", got, err)
		}
		server.Close()
		conn.Close()
	}
}

// Media of a real server goes through the relay and nowhere else: nobody
// receives more than the relay passed, and nothing when it passes nothing.
func TestLiveKit(t *testing.T) {
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{Relayed: true, Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	n, err := network.Start(network.Config{Server: s.URL, Media: s.Media, Relay: s.Relay})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	ways := make(map[string]*network.Client)
	for _, name := range []string{"ada", "bob"} {
		if ways[name], err = n.Client(name); err != nil {
			t.Fatal(err)
		}
	}

	var received atomic.Int64
	cb := &lksdk.RoomCallback{}
	cb.OnTrackSubscribed = func(remote *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		for {
			if _, _, err := remote.ReadRTP(); err != nil {
				return
			}
			received.Add(1)
		}
	}
	bob, err := lksdk.ConnectToRoom(ways["bob"].URL, lksdk.ConnectInfo{APIKey: s.APIKey, APISecret: s.APISecret, RoomName: "r", ParticipantIdentity: "bob"}, cb)
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Disconnect()
	ada, err := members.Join(ctx, members.Config{URL: ways["ada"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r", Identity: "ada",
		Audio: fixtures.Speech(0), Video: fixtures.Clock(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer ada.Leave()

	until := func(what string, cond func() bool) {
		t.Helper()
		for tick := time.NewTicker(20 * time.Millisecond); !cond(); {
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("%s did not happen: %d received, ada %+v, bob %+v, %d strays", what, received.Load(), ways["ada"].Up.Counts(), ways["bob"].Down.Counts(), n.Stray())
			}
		}
	}
	passed := func() int64 { return int64(ways["bob"].Down.Counts().Passed[network.RTP]) }
	until("receiving", func() bool { return received.Load() >= 100 })

	ways["bob"].Down.Set(network.Impairment{Loss: 1})
	sofar := passed()
	until("loss", func() bool { return ways["bob"].Down.Counts().Dropped[network.RTP] >= 100 })
	if r := received.Load(); r > sofar || passed() != sofar {
		t.Errorf("%d packets received and %d passed, %d before all were lost", r, passed(), sofar)
	}
	ways["bob"].Down.Set(network.Impairment{})
	until("receiving again", func() bool { return received.Load() >= sofar+100 })

	ways["ada"].Up.Set(network.Impairment{Loss: 1})
	sent := ways["ada"].Up.Counts().Passed[network.RTP]
	until("loss", func() bool { return ways["ada"].Up.Counts().Dropped[network.RTP] >= 100 })
	if now := ways["ada"].Up.Counts().Passed[network.RTP]; now != sent {
		t.Errorf("%d packets passed while all were lost", now-sent)
	}
	if r := received.Load(); r > passed() {
		t.Errorf("%d packets received, %d passed", r, passed())
	}
	if n.Stray() != 0 {
		t.Errorf("%d strays", n.Stray())
	}
}
