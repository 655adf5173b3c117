// Package sandbox is a stand-in world for demonstrations and tests: a shop
// system that merchants let us into, and a TrustFile that takes what we send.
// Both speak real HTTP on addresses of their own, check what a real one would
// check, and can be told to misbehave. Everything is in memory: a restart is a
// new world.
//
// At the host
//
//	GET  /                              the shops and their newest orders, for people
//	GET  /oauth/authorize …             OAuth 2 with PKCE: consent, tokens, revocation
//	GET  /api/orders, /api/shop         what the adapter reads
//	POST /control/orders                {"account","count","from","to","seed","mix","touched"}: makes orders
//	POST /control/orders/{id}/refund    {} all that is left, {"line":0} one line, {"amount":"5.00"} an amount only
//	POST /control/orders/{id}/cancel
//	POST /control/orders/{id}/edit      {"amount":"1.00"} dearer by that much, {"status":"paid"} for a pending one
//	GET  /control/orders?account=       each order, and what TrustFile should hold for it
//	POST /control/grants                {"account"}: tokens without a browser
//	POST /control/faults                a Fault; an empty body ends all
//	GET  /control/stats
//
// At TrustFile
//
//	GET  /                              what it was given, with history, for people
//	POST /v3/connections/{id}/items …   items; the Transaction Routing Service is at /routing/v3
//	POST /v4/company/signup …           provisioning
//	GET  /connectors/success, /app      where browsers end
//	GET  /control/items?connectionId=   each item with all versions received
//	GET  /control/requests?connectionId=
//	GET  /control/stats
//	POST /control/faults, /control/reset
package sandbox
