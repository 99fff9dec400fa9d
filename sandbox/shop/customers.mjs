// The shop's customers. Between them they show the five address situations, custom fields of every
// kind, and phone numbers as people write them: with the country's code and without, with and
// without a trunk zero, with an extension, and not a number at all.
//
// Numbers are of the ranges that regulators keep for fiction, or libphonenumber's examples.

import { money, refTo, resource } from "./build.mjs";
import { fixedId } from "./ids.mjs";

function customer(n, email, createdAt, fields) {
  const { lastModifiedAt, ...rest } = fields;
  return {
    ...resource(fixedId("customer", n), createdAt, { lastModifiedAt }),
    customerNumber: `K-${10_000 + n}`,
    email,
    addresses: [],
    shippingAddressIds: [],
    billingAddressIds: [],
    isEmailVerified: true,
    customerGroupAssignments: [],
    stores: [],
    authenticationMode: "Password",
    ...rest,
  };
}

function profile(fields) {
  return { type: refTo("type", 1), fields };
}

function inGroup(n) {
  const customerGroup = refTo("customer-group", n);
  return { customerGroup, customerGroupAssignments: [{ customerGroup }] };
}

const annika = customer(1, "annika.weber@example.com", "2024-03-11T09:14:05.120Z", {
  lastModifiedAt: "2026-05-02T16:40:11.004Z",
  salutation: "Frau",
  firstName: "Annika",
  lastName: "Weber",
  dateOfBirth: "1988-11-23",
  locale: "de-DE",
  externalId: "crm-558201",
  ...inGroup(1),
  addresses: [
    {
      id: "hTk4Qm1z",
      country: "DE",
      firstName: "Annika",
      lastName: "Weber",
      streetName: "Kaulbachstraße",
      streetNumber: "41a",
      additionalStreetInfo: "Hinterhaus",
      postalCode: "80539",
      city: "München",
      region: "Bayern",
      mobile: "0151 23456789",
    },
    {
      id: "pW8sLb3e",
      country: "DE",
      company: "Packstation 114",
      postalCode: "80331",
      city: "München",
      phone: "089 99998-123",
    },
  ],
  defaultBillingAddressId: "hTk4Qm1z",
  billingAddressIds: ["pW8sLb3e", "hTk4Qm1z"],
  defaultShippingAddressId: "pW8sLb3e",
  shippingAddressIds: ["pW8sLb3e"],
  custom: profile({
    newsletter: true,
    shoeSize: 39.5,
    loyaltyPoints: 1240,
    interests: ["alpine climbing", "ski touring"],
    storeNote: { de: "Breiter Fuß", en: "Wide feet" },
    memberSince: "2024-03-11",
    voucherBalance: money("EUR", 2500),
    homeStore: refTo("channel", 1),
  }),
});

/** `billingAddressIds` without a default; a number with the optional trunk zero in brackets. */
const james = customer(2, "james.whitfield@example.co.uk", "2024-06-30T18:02:47.900Z", {
  title: "Dr.",
  firstName: "James",
  lastName: "Whitfield",
  locale: "en-GB",
  addresses: [
    {
      id: "Ab3xY9kQ",
      country: "GB",
      streetName: "Mill Lane",
      city: "Hathersage",
      postalCode: "S32 1BB",
    },
    {
      id: "Zc7vN2pR",
      country: "GB",
      building: "The Old Chapel",
      apartment: "Flat 3",
      streetNumber: "17",
      streetName: "Castle Street",
      additionalAddressInfo: "Ring twice",
      postalCode: "SW1A 1AA",
      city: "London",
      region: "Greater London",
      phone: "+44 (0)20 7946 0018",
    },
  ],
  billingAddressIds: ["Zc7vN2pR", "Ab3xY9kQ"],
  shippingAddressIds: ["Ab3xY9kQ"],
  custom: profile({ newsletter: false, loyaltyPoints: 0, interests: [] }),
});

/** Only plain addresses: none is marked for billing or shipping. */
const maria = customer(3, "maria.gonzalez@example.org", "2025-01-19T03:55:10.000Z", {
  lastModifiedAt: "2025-12-24T11:00:00.000Z",
  firstName: "María",
  lastName: "González",
  locale: "en-US",
  addresses: [
    {
      id: "u1Us8Ads",
      country: "US",
      streetNumber: "1420",
      streetName: "Pine Ridge Road",
      apartment: "Apt 5B",
      city: "Boulder",
      state: "CO",
      postalCode: "80302",
      phone: "(201) 555-0123",
    },
    {
      id: "k2Us7Wqp",
      country: "US",
      city: "Denver",
      state: "CO",
      mobile: "+1 201-555-0199 ext. 12",
    },
  ],
});

/** The default billing address was removed by an import; its id was not. */
const luca = customer(4, "luca.frei@example.ch", "2025-02-08T12:30:00.450Z", {
  firstName: "Luca",
  lastName: "Frei",
  locale: "de-CH",
  addresses: [
    {
      id: "chAd0001",
      country: "CH",
      streetName: "Seestrasse",
      streetNumber: "9",
      postalCode: "8002",
      city: "Zürich",
      mobile: "+41 78 123 45 67",
    },
  ],
  defaultBillingAddressId: "gOn3away",
  billingAddressIds: ["gOn3away"],
  custom: profile({ newsletter: true, homeStore: refTo("channel", 2) }),
});

const noor = customer(5, "noor.haddad@example.net", "2025-05-21T07:45:33.700Z", {
  firstName: "Noor",
  lastName: "Haddad",
  isEmailVerified: false,
});

const alpineClub = customer(6, "material@hochwald.example", "2024-09-01T10:00:00.000Z", {
  firstName: "Jürgen",
  lastName: "Möller",
  companyName: "Alpenverein Sektion Hochwald e. V.",
  vatId: "DE136695976",
  ...inGroup(2),
  addresses: [
    {
      id: "dAv4Hoch",
      country: "DE",
      company: "Alpenverein Sektion Hochwald e. V.",
      department: "Materialwart",
      streetName: "Am Bahnhof",
      streetNumber: "3",
      postalCode: "54411",
      city: "Hermeskeil",
      phone: "0049 30 123456",
    },
  ],
  defaultBillingAddressId: "dAv4Hoch",
  billingAddressIds: ["dAv4Hoch"],
});

const guides = customer(7, "bookings@cragandfell.example", "2024-11-14T14:20:09.310Z", {
  firstName: "Moira",
  lastName: "MacLeod",
  companyName: "Crag & Fell Guiding Ltd",
  ...inGroup(2),
  addresses: [{ id: "gbCrag07", country: "GB", city: "Keswick", mobile: "07400 123456" }],
  defaultBillingAddressId: "gbCrag07",
  billingAddressIds: ["gbCrag07"],
});

/** A number that is none. */
const tomasz = customer(8, "tomasz.k@example.com", "2025-08-03T20:11:54.060Z", {
  firstName: "Tomasz",
  lastName: "Kowalczyk",
  addresses: [
    { id: "deTom008", country: "DE", city: "Görlitz", phone: "nach 18 Uhr", mobile: "12345" },
  ],
  billingAddressIds: ["deTom008"],
});

const chloe = customer(9, "chloe.rochat@example.ch", "2025-10-27T06:05:00.999Z", {
  firstName: "Chloé",
  lastName: "Rochat",
  locale: "fr-CH",
  addresses: [
    {
      id: "chLaus09",
      country: "CH",
      streetName: "Rue de la Mercerie",
      streetNumber: "12",
      postalCode: "1003",
      city: "Lausanne",
      phone: "021 234 56 78",
      mobile: "078/123 45 67",
    },
  ],
  defaultBillingAddressId: "chLaus09",
  billingAddressIds: ["chLaus09"],
  custom: profile({ storeNote: { fr: "Préfère le courrier" } }),
});

/** An account that was made from an e-mail address alone. */
const nameless = customer(10, "h.k.1977@example.net", "2025-11-30T23:59:59.999Z", {
  authenticationMode: "ExternalAuth",
});

const hanako = customer(11, "hanako.sato@example.jp", "2026-01-06T02:22:22.222Z", {
  firstName: "花子",
  lastName: "佐藤",
  locale: "ja-JP",
  addresses: [
    {
      id: "jpSato11",
      country: "JP",
      postalCode: "390-0811",
      city: "松本市",
      mobile: "+81 90-1234-5678",
    },
  ],
  defaultBillingAddressId: "jpSato11",
  billingAddressIds: ["jpSato11"],
});

/** Quotation marks, a plus sign and capital letters, all of them legal. */
const sean = customer(12, "Sean.OBrien+shop@Example.com", "2026-03-17T17:17:17.170Z", {
  firstName: 'Seán "Shay"',
  lastName: "O'Brien",
  addresses: [
    { id: "usObri12", country: "US", city: "Portland", state: "OR", phone: "2015550143" },
  ],
  shippingAddressIds: ["usObri12"],
});

export const customers = [
  ...[hanako, annika, tomasz, maria, nameless, guides],
  ...[james, sean, noor, luca, chloe, alpineClub],
];
