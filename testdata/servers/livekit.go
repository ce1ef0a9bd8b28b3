package servers

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

// A LiveKitConfig says how to run a LiveKit server.
type LiveKitConfig struct {
	// EmptyTimeout is how long a room that nobody joined stays open,
	// DepartureTimeout how long one that everybody left. In whole seconds,
	// rounded up; 0 means 5 s and 1 s.
	EmptyTimeout, DepartureTimeout time.Duration
	// Relayed makes the server tell its clients that its media is at Relay, not
	// at Media, and be an ICE-lite agent, which starts no connectivity checks: so
	// media comes by way of whoever listens at Relay, or not at all. It takes a
	// system where all of 127.0.0.0/8 is the machine itself, as on Linux.
	Relayed bool
	// Host is the address that the server listens on, for signalling and media; ""
	// means 127.0.0.1. A Relayed server has no other.
	Host string
	// Estimates makes the server estimate what each client can receive, from its
	// transport-wide feedback (use_send_side_bwe), and send less if that is less.
	// By default it goes by what clients say themselves (REMB).
	Estimates bool
	// AllowPause lets the server stop to send a picture for which it finds no
	// bandwidth.
	AllowPause bool
	// Redis makes the server a node of several, which find one another there.
	Redis *Redis
	// Beside gives the server the API key of another, as nodes of one cluster have it.
	Beside *LiveKit
	// Webhooks are URLs that the server tells what happens in its rooms.
	Webhooks []string
	// Progress, if not nil, is told what takes long.
	Progress func(string)
}

// A LiveKit is a running LiveKit server. It opens rooms as they are joined.
type LiveKit struct {
	*process
	URL       string // ws://HOST:PORT
	APIKey    string
	APISecret string
	// Media is the UDP socket for media, HOST:PORT. Relay is where a Relayed
	// server says that it is: the same port of another loopback address.
	Media, Relay string
}

// StartLiveKit starts a server with an API key of its own and returns once it
// answers. The context is for the start only.
func StartLiveKit(ctx context.Context, c LiveKitConfig) (*LiveKit, error) {
	path, err := build.LiveKit.Path(ctx, c.Progress)
	if err != nil {
		return nil, err
	}
	s := &LiveKit{APIKey: "API" + rand.Text()[:12], APISecret: rand.Text() + rand.Text()}
	if c.Beside != nil {
		s.APIKey, s.APISecret = c.Beside.APIKey, c.Beside.APISecret
	}
	c.Host = cmp.Or(c.Host, "127.0.0.1")
	s.process, err = retryPorts(func() (*process, error) {
		ports, err := FreePorts(2)
		if err != nil {
			return nil, err
		}
		s.URL = fmt.Sprintf("ws://%s:%d", c.Host, ports[0])
		s.Media, s.Relay = fmt.Sprintf("%s:%d", c.Host, ports[1]), ""
		node := c.Host
		if c.Relayed {
			node = "127.0.0.2"
			s.Relay = fmt.Sprintf("%s:%d", node, ports[1])
		}
		return start(ctx, "livekit-server", path,
			[]string{"--bind", c.Host, "--node-ip", node},
			[]string{"LIVEKIT_CONFIG=" + liveKitYAML(c, s, ports)},
			fmt.Sprintf("http://%s:%d/", c.Host, ports[0]))
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// liveKitYAML is the server's configuration. Media goes by UDP, to one port: the
// server's TCP port for media can only be opened on all interfaces. The STUN
// server is one that is not there: without any the clients would be sent to
// public ones.
func liveKitYAML(c LiveKitConfig, s *LiveKit, ports []int) string {
	seconds := func(d, zero time.Duration) int {
		if d <= 0 {
			d = zero
		}
		return int(math.Ceil(d.Seconds()))
	}
	more := ""
	if len(c.Webhooks) > 0 {
		more = fmt.Sprintf("webhook: {api_key: %s, urls: [%s]}\n", s.APIKey, strings.Join(c.Webhooks, ", "))
	}
	if c.Redis != nil {
		more += "redis: {address: " + c.Redis.Addr + "}\n"
	}
	return fmt.Sprintf(`port: %d
bind_addresses: [%s]
rtc:
  tcp_port: 0
  udp_port: %d
  use_external_ip: false
  use_ice_lite: %t
  enable_loopback_candidate: true
  ips: {includes: [%s/32]}
  stun_servers: ["127.0.0.1:9"]
  congestion_control: {use_send_side_bwe: %t, allow_pause: %t}
room:
  auto_create: true
  empty_timeout: %d
  departure_timeout: %d
keys: {%s: %s}
`, ports[0], c.Host, ports[1], c.Relayed, c.Host, c.Estimates, c.AllowPause,
		seconds(c.EmptyTimeout, 5*time.Second), seconds(c.DepartureTimeout, time.Second),
		s.APIKey, s.APISecret) + more
}
