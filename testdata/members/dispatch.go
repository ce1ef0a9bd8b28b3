package members

import (
	"context"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

// A Dispatcher is an application's backend: it has an API key, dispatches agents to rooms,
// and sees who is in them.
type Dispatcher struct{ URL, APIKey, APISecret string }

// Dispatch asks for an agent in a room, which the server makes if there is none, and
// returns the ID of the dispatch.
func (d Dispatcher) Dispatch(ctx context.Context, room, agent, metadata string) (id string, err error) {
	r, err := lksdk.NewAgentDispatchServiceClient(d.URL, d.APIKey, d.APISecret).
		CreateDispatch(ctx, &livekit.CreateAgentDispatchRequest{Room: room, AgentName: agent, Metadata: metadata})
	return r.GetId(), err
}

// Delete takes a dispatch back.
func (d Dispatcher) Delete(ctx context.Context, room, id string) error {
	_, err := lksdk.NewAgentDispatchServiceClient(d.URL, d.APIKey, d.APISecret).
		DeleteDispatch(ctx, &livekit.DeleteAgentDispatchRequest{Room: room, DispatchId: id})
	return err
}

// Statuses returns the statuses of the jobs of a dispatch, such as "JS_RUNNING".
func (d Dispatcher) Statuses(ctx context.Context, room, id string) (all []string, err error) {
	r, err := lksdk.NewAgentDispatchServiceClient(d.URL, d.APIKey, d.APISecret).
		ListDispatch(ctx, &livekit.ListAgentDispatchRequest{Room: room, DispatchId: id})
	for _, one := range r.GetAgentDispatches() {
		for _, j := range one.GetState().GetJobs() {
			all = append(all, j.GetState().GetStatus().String())
		}
	}
	return all, err
}

// Dispatched returns the metadata of the dispatches for an agent in a room.
func (d Dispatcher) Dispatched(ctx context.Context, room, agent string) (all []string, err error) {
	r, err := lksdk.NewAgentDispatchServiceClient(d.URL, d.APIKey, d.APISecret).ListDispatch(ctx, &livekit.ListAgentDispatchRequest{Room: room})
	for _, one := range r.GetAgentDispatches() {
		if one.GetAgentName() == agent {
			all = append(all, one.GetMetadata())
		}
	}
	return all, err
}

// A Listed is a member as the server lists them.
type Listed struct {
	Identity, Name string
	Agent          bool   // of kind agent
	Recorder       bool   // the room shows its recording sign for them
	State          string // the attribute sealtape.state
	Visit          string // the server's ID of this stay
}

// Members lists who is in a room. A room that does not exist has nobody.
func (d Dispatcher) Members(ctx context.Context, room string) (all []Listed) {
	r, err := lksdk.NewRoomServiceClient(d.URL, d.APIKey, d.APISecret).ListParticipants(ctx, &livekit.ListParticipantsRequest{Room: room})
	if err != nil {
		return nil
	}
	for _, p := range r.GetParticipants() {
		//lint:ignore SA1019 no other word says that a member of kind standard records
		recorder := p.GetPermission().GetRecorder()
		all = append(all, Listed{p.GetIdentity(), p.GetName(), p.GetKind() == livekit.ParticipantInfo_AGENT, recorder, p.GetAttributes()["sealtape.state"], p.GetSid()})
	}
	return all
}

// Remove throws somebody out of a room.
func (d Dispatcher) Remove(ctx context.Context, room, identity string) error {
	_, err := lksdk.NewRoomServiceClient(d.URL, d.APIKey, d.APISecret).RemoveParticipant(ctx, &livekit.RoomParticipantIdentity{Room: room, Identity: identity})
	return err
}

// Show sets attributes of somebody in a room.
func (d Dispatcher) Show(ctx context.Context, room, identity string, attributes map[string]string) error {
	_, err := lksdk.NewRoomServiceClient(d.URL, d.APIKey, d.APISecret).
		UpdateParticipant(ctx, &livekit.UpdateParticipantRequest{Room: room, Identity: identity, Attributes: attributes})
	return err
}

// AgentToken makes a token that registers a worker and does nothing else.
func AgentToken(apiKey, apiSecret string) (string, error) {
	return auth.NewAccessToken(apiKey, apiSecret).SetVideoGrant(&auth.VideoGrant{Agent: true}).SetIdentity("worker").ToJWT()
}
