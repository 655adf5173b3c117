package shopify

import (
	"bytes"
	"context"
	"encoding/json"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/models"
)

// roundsAtMost bounds how often one list of one order is asked to go on: no
// order has a hundred times what a page of such a list holds.
const roundsAtMost = 100

// connection is a list of GraphQL's, as far as it was read.
type connection struct {
	Info  pageEnd           `json:"pageInfo"`
	Edges []edge            `json:"edges,omitempty"`
	Nodes []json.RawMessage `json:"nodes,omitempty"`
}

type edge struct {
	Cursor string          `json:"cursor"`
	Node   json.RawMessage `json:"node"`
}

// complete asks for what did not fit into the page: further agreements of an
// order, further sales of an agreement. (Taxes are a plain list, always whole.)
// What cannot be read is left for Transform to refuse.
func (s *session) complete(ctx context.Context, records []hostapi.Record, zone string) error {
	for i := range records {
		if !goesOn(records[i].Body) {
			continue
		}
		if err := s.completeOrder(ctx, &records[i], zone); err != nil {
			return err
		}
	}
	return nil
}

// goesOn reports whether any list in the text says that there is more. The name
// with both its quotes cannot be part of a string.
func goesOn(text []byte) bool {
	name := []byte(`"hasNextPage"`)
	for {
		i := bytes.Index(text, name)
		if i < 0 {
			return false
		}
		text = bytes.TrimLeft(text[i+len(name):], " \t\r\n:")
		if bytes.HasPrefix(text, []byte("true")) {
			return true
		}
	}
}

func (s *session) completeOrder(ctx context.Context, r *hostapi.Record, zone string) error {
	var body struct {
		Order map[string]json.RawMessage `json:"order"`
	}
	var agreements connection
	if json.Unmarshal(r.Body, &body) != nil || json.Unmarshal(body.Order["agreements"], &agreements) != nil {
		return nil
	}
	order := orderGID + r.Key
	if err := s.moreAgreements(ctx, order, &agreements); err != nil {
		return err
	}
	for i := range agreements.Edges {
		if err := s.moreSales(ctx, order, agreements.Edges, i); err != nil {
			return err
		}
	}
	whole, err := json.Marshal(agreements)
	if err != nil {
		return err
	}
	body.Order["agreements"] = whole
	text, err := json.Marshal(body.Order)
	if err != nil {
		return err
	}
	r.Body = json.RawMessage(append(append(envelopeOf(zone), text...), '}'))
	return nil
}

// moreAgreements reads the agreements of an order to their end.
func (s *session) moreAgreements(ctx context.Context, order string, have *connection) error {
	for rounds := 0; have.Info.More; rounds++ {
		var answer struct {
			Node struct {
				Agreements connection `json:"agreements"`
			} `json:"node"`
		}
		variables := map[string]any{"id": order, "after": have.Info.End}
		if err := s.call(ctx, agreementsQuery, variables, func(data *jsonscan.Scanner) error { return data.Decode(&answer) }); err != nil {
			return err
		}
		more := answer.Node.Agreements
		if len(more.Edges) == 0 || rounds == roundsAtMost {
			return stuck()
		}
		have.Edges, have.Info = append(have.Edges, more.Edges...), more.Info
	}
	return nil
}

// stuck is the error of a list that says it goes on and does not.
func stuck() error {
	return models.Errorf(models.Unavailable, "Shopify keeps us from reading an order to its end. We try again by ourselves.")
}

// moreSales reads the sales of the agreement in edges[i] to their end.
func (s *session) moreSales(ctx context.Context, order string, edges []edge, i int) error {
	var agreement map[string]json.RawMessage
	var have connection
	if json.Unmarshal(edges[i].Node, &agreement) != nil || json.Unmarshal(agreement["sales"], &have) != nil || !have.Info.More {
		return nil
	}
	variables := map[string]any{"id": order}
	if i > 0 {
		variables["before"] = edges[i-1].Cursor
	}
	for rounds := 0; have.Info.More; rounds++ {
		variables["after"] = have.Info.End
		more, err := s.salesAfter(ctx, variables, agreement["id"])
		if err != nil {
			return err
		}
		if len(more.Nodes) == 0 || rounds == roundsAtMost {
			return stuck()
		}
		have.Nodes, have.Info = append(have.Nodes, more.Nodes...), more.Info
	}
	whole, err := json.Marshal(have)
	if err != nil {
		return err
	}
	agreement["sales"] = whole
	edges[i].Node, err = json.Marshal(agreement)
	return err
}

// salesAfter is the next page of sales of one agreement. Another agreement in
// its place means that the order changed meanwhile.
func (s *session) salesAfter(ctx context.Context, variables map[string]any, id json.RawMessage) (connection, error) {
	var answer struct {
		Node struct {
			Agreements struct {
				Nodes []struct {
					ID    json.RawMessage `json:"id"`
					Sales connection      `json:"sales"`
				} `json:"nodes"`
			} `json:"agreements"`
		} `json:"node"`
	}
	if err := s.call(ctx, salesQuery, variables, func(data *jsonscan.Scanner) error { return data.Decode(&answer) }); err != nil {
		return connection{}, err
	}
	nodes := answer.Node.Agreements.Nodes
	if len(nodes) != 1 || !bytes.Equal(nodes[0].ID, id) {
		return connection{}, stuck()
	}
	return nodes[0].Sales, nil
}
