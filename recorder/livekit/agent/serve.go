package agent

import (
	"context"
	"fmt"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
)

// serve registers once, and handles what comes until the connection or ctx ends.
func (w *Worker) serve(ctx context.Context) error {
	conn, err := w.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.ws.Close() // what it still had to send nobody waits for
	defer context.AfterFunc(ctx, func() { _ = conn.ws.Close() })()
	id, err := w.register(conn)
	if err != nil {
		return err
	}
	w.registered(conn, id)
	w.c.Log.Info("registered with the server", "agent", w.c.Name, "worker", id)

	beating, stop := context.WithCancel(ctx)
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		if err := w.beat(beating, conn); err != nil && beating.Err() == nil {
			_ = conn.ws.Close() // so that the reader ends, too
		}
	}()
	defer func() { stop(); <-beaten }()
	for {
		// The answers to our pings come, if nothing else does.
		m, err := conn.receive(w.c.Ping + w.c.Pong)
		if err != nil {
			return fmt.Errorf("the connection to the server ended: %w", err)
		}
		if err := w.handle(conn, m); err != nil {
			return err
		}
	}
}

// register says what the worker is, and returns its ID at the server.
func (w *Worker) register(conn *connection) (id string, err error) {
	err = conn.send(&lkproto.WorkerMessage{Message: &lkproto.WorkerMessage_Register{Register: &lkproto.RegisterWorkerRequest{
		Type: lkproto.JobType_JT_ROOM, AgentName: w.c.Name, Version: w.c.Version,
		// A visible member who receives, and tells the room of it.
		AllowedPermissions: &lkproto.ParticipantPermission{CanSubscribe: true, CanPublishData: true, CanUpdateMetadata: true},
	}}})
	if err != nil {
		return "", fmt.Errorf("registering: %w", err)
	}
	m, err := conn.receive(answerTime)
	if err != nil {
		return "", fmt.Errorf("registering: %w", err)
	}
	r := m.GetRegister()
	if r == nil || len(r.GetWorkerId()) > maxID {
		return "", fmt.Errorf("registering: %w", errProtocol)
	}
	return r.GetWorkerId(), w.sendLoad(conn) // one that was not told would be 0
}

// beat tells the load and pings until ctx ends or that fails.
func (w *Worker) beat(ctx context.Context, conn *connection) error {
	status, ping := time.NewTicker(w.c.Status), time.NewTicker(w.c.Ping)
	defer status.Stop()
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			err = w.sendLoad(conn)
		case <-status.C:
			err = w.sendLoad(conn)
		case <-ping.C:
			err = conn.send(&lkproto.WorkerMessage{Message: &lkproto.WorkerMessage_Ping{
				Ping: &lkproto.WorkerPing{Timestamp: time.Now().UnixMilli()}}})
		}
		if err != nil {
			return err
		}
	}
}

func (w *Worker) sendLoad(conn *connection) error {
	l := w.c.Handler.Load()
	status := lkproto.WorkerStatus_WS_AVAILABLE
	if l.Full {
		status = lkproto.WorkerStatus_WS_FULL
	}
	return conn.send(&lkproto.WorkerMessage{Message: &lkproto.WorkerMessage_UpdateWorker{
		UpdateWorker: &lkproto.UpdateWorkerStatus{Status: &status, Load: l.Load, JobCount: uint32(max(0, l.Jobs))}}})
}

// handle takes one message. An error ends the connection.
func (w *Worker) handle(conn *connection, m *lkproto.ServerMessage) error {
	switch m := m.Message.(type) {
	case *lkproto.ServerMessage_Availability:
		return w.offered(conn, m.Availability.GetJob())
	case *lkproto.ServerMessage_Assignment:
		job, ok := jobOf(m.Assignment.GetJob())
		if !ok || m.Assignment.GetToken() == "" {
			return errProtocol
		}
		w.c.Handler.Assigned(Assignment{Job: job, Token: m.Assignment.GetToken()})
		w.Changed()
	case *lkproto.ServerMessage_Termination:
		if id := m.Termination.GetJobId(); id != "" && len(id) <= maxID {
			w.c.Handler.Terminated(id)
		}
	}
	return nil // a pong, or what a newer server says
}

// offered answers an offer.
func (w *Worker) offered(conn *connection, j *lkproto.Job) error {
	answer := new(lkproto.AvailabilityResponse)
	if answer.JobId = j.GetId(); answer.JobId == "" || len(answer.JobId) > maxID {
		return errProtocol
	}
	if job, ok := jobOf(j); ok {
		a := w.c.Handler.Offered(job)
		answer.Available, answer.Terminate = a.Accept, a.Done && !a.Accept
		answer.ParticipantIdentity, answer.ParticipantName, answer.ParticipantAttributes = a.Identity, a.Name, a.Attributes
	}
	if err := conn.send(&lkproto.WorkerMessage{Message: &lkproto.WorkerMessage_Availability{Availability: answer}}); err != nil {
		return fmt.Errorf("answering an offer: %w", err)
	}
	w.Changed()
	return nil
}

// jobOf returns a job of a room; all others are none of ours.
func jobOf(j *lkproto.Job) (job Job, ok bool) {
	job = Job{ID: j.GetId(), Dispatch: j.GetDispatchId(), Room: j.GetRoom().GetName(), SID: j.GetRoom().GetSid(), Metadata: j.GetMetadata()}
	ok = j.GetType() == lkproto.JobType_JT_ROOM && job.ID != "" && job.Room != "" &&
		len(job.ID) <= maxID && len(job.Dispatch) <= maxID && len(job.SID) <= maxID && len(job.Room) <= maxRoom
	return job, ok
}
