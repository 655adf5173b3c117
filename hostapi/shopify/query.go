package shopify

const (
	// agreementsAtOnce and salesAtOnce are how much of an order comes with a page:
	// an order, a refund and an edit, of ten lines each, is more than nearly all
	// have. What is more is asked for by itself, see complete.go. All of it is paid
	// for in advance, so more here means fewer orders in a page.
	agreementsAtOnce = "3"
	salesAtOnce      = "10"
)

// operation is a GraphQL document with one operation in it.
type operation struct{ name, text string }

// What we ask of an order, an agreement and a sale. A MailingAddress and a
// LocationAddress differ in the name of the country.
const (
	orderFields = `id name updatedAt test currencyCode displayFinancialStatus
		merchantOfRecordApp { id }
		shippingAddress { address1 city provinceCode zip countryCodeV2 }
		billingAddress { address1 city provinceCode zip countryCodeV2 }
		retailLocation { address { address1 city provinceCode zip countryCode } }
		fulfillments(first: 1) { originAddress { address1 city provinceCode zip countryCode } }`
	agreementFields = `id happenedAt reason`
	saleFields      = `id actionType lineType
		totalAmount { shopMoney { amount } } totalTaxAmount { shopMoney { amount } }
		taxes { taxLine { channelLiable } }`

	pageInfo         = `pageInfo { hasNextPage endCursor }`
	salesOnPage      = `sales(first: ` + salesAtOnce + `) { ` + pageInfo + ` nodes { ` + saleFields + ` } }`
	agreementEdges   = pageInfo + ` edges { cursor node { ` + agreementFields + ` ` + salesOnPage + ` } }`
	agreementsOnPage = `agreements(first: ` + agreementsAtOnce + `) { ` + agreementEdges + ` }`
)

var (
	// https://shopify.dev/docs/api/admin-graphql/2026-10/queries/orders
	ordersQuery = operation{"Orders", `query Orders($n: Int!, $after: String, $query: String!, $sort: OrderSortKeys!) {
		orders(first: $n, after: $after, query: $query, sortKey: $sort) { ` + pageInfo + ` nodes { ` + orderFields + ` ` + agreementsOnPage + ` } } }`}

	// https://shopify.dev/docs/api/admin-graphql/2026-10/queries/nodes
	nodesQuery = operation{"OrdersByID", `query OrdersByID($ids: [ID!]!) {
		nodes(ids: $ids) { ... on Order { ` + orderFields + ` ` + agreementsOnPage + ` } } }`}

	agreementsQuery = operation{"Agreements", `query Agreements($id: ID!, $after: String) {
		node(id: $id) { ... on Order { agreements(first: 10, after: $after) { ` + agreementEdges + ` } } } }`}

	// salesQuery finds the agreement by its place in the order: an agreement is
	// no Node, so it cannot be asked for by its id.
	salesQuery = operation{"Sales", `query Sales($id: ID!, $before: String, $after: String) {
		node(id: $id) { ... on Order { agreements(first: 1, after: $before) { nodes { id sales(first: 100, after: $after) { ` +
		pageInfo + ` nodes { ` + saleFields + ` } } } } } } }`}

	// https://shopify.dev/docs/api/admin-graphql/2026-10/queries/ordersCount
	countQuery = operation{"OrdersCount", `query OrdersCount($query: String!, $limit: Int!) { ordersCount(query: $query, limit: $limit) { count precision } }`}

	// https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Shop
	shopQuery = operation{"Shop", `query Shop {
		shop { myshopifyDomain name email shopOwnerName ianaTimezone billingAddress { address1 city provinceCode zip countryCodeV2 phone } }
		currentAppInstallation { accessScopes { handle } } }`}

	// https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/appUninstall
	uninstallMutation = operation{"Uninstall", `mutation Uninstall { appUninstall { userErrors { code } } }`}

	// https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/bulkOperationRunQuery
	bulkMutation = operation{"StartBulk", `mutation StartBulk($query: String!) {
		bulkOperationRunQuery(query: $query, groupObjects: false) { bulkOperation { id } userErrors { code } } }`}

	// https://shopify.dev/docs/api/admin-graphql/2026-10/queries/bulkOperation
	bulkQuery = operation{"Bulk", `query Bulk($id: ID!) {
		bulkOperation(id: $id) { status errorCode objectCount rootObjectCount url } }`}
)

// bulkText is the query that a bulk operation runs: no variables, no pages.
func bulkText(search string) string {
	return `{ orders(query: "` + search + `") { edges { node { ` + orderFields +
		` agreements { edges { node { ` + agreementFields + ` sales { edges { node { ` + saleFields + ` } } } } } } } } } }`
}
