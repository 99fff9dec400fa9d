//! The amounts of an order, its lines and its shipping: one basis for all of them (`CONFIG.order.value`).
//!
//! Gross amounts are commercetools' own (`taxedPrice.totalGross`), never computed here, except for the unit price of a
//! line, which commercetools only has net. Not in scope: refunds, which are the amounts of their transactions.

use crate::commercetools::money::Money;
use crate::commercetools::order::{
    CustomLineItem, DiscountedLinePrice, DiscountedQuantity, LineItem, OrderFields, ShippingInfo,
    TaxRate, TaxedPrice,
};
use crate::config::order::AmountBasis;

/// The amount of the whole order.
#[must_use]
pub fn of_order(basis: AmountBasis, order: &OrderFields) -> &Money {
    on(basis, order.taxed_price.as_ref(), &order.total_price)
}

/// The amount of a line.
#[must_use]
pub fn of_line(basis: AmountBasis, line: &LineItem) -> &Money {
    on(basis, line.taxed_price.as_ref(), &line.total_price)
}

/// The amount of a line without a product.
#[must_use]
pub fn of_custom_line(basis: AmountBasis, line: &CustomLineItem) -> Option<&Money> {
    line.total_price.as_ref().map(|total| on(basis, line.taxed_price.as_ref(), total))
}

/// The amount of a unit.
#[must_use]
pub fn of_unit(basis: AmountBasis, price: &Money, tax: Option<&TaxRate>) -> Money {
    match tax {
        Some(tax) if basis == AmountBasis::Gross && !tax.included_in_price => {
            price.with_tax(tax.amount)
        }
        _ => price.clone(),
    }
}

/// The amount of all lines together, without shipping.
#[must_use]
pub fn subtotal(basis: AmountBasis, order: &OrderFields) -> Option<Money> {
    let lines = order.line_items.iter().map(|line| of_line(basis, line));
    let custom = order.custom_line_items.iter().filter_map(|line| of_custom_line(basis, line));
    Money::sum(lines.chain(custom).map(|amount| (amount, 1)))
}

/// The amount of shipping after discounts, over all deliveries; none if the order has none.
#[must_use]
pub fn shipping(basis: AmountBasis, order: &OrderFields) -> Option<Money> {
    if let (AmountBasis::Gross, Some(taxed)) = (basis, &order.taxed_shipping_price) {
        return Some(taxed.total_gross.clone());
    }
    Money::sum(order.shippings().map(|shipping| (of_shipping(basis, shipping), 1)))
}

fn of_shipping(basis: AmountBasis, shipping: &ShippingInfo) -> &Money {
    let discounted = shipping.discounted_price.as_ref().and_then(|price| price.value.as_ref());
    on(basis, shipping.taxed_price.as_ref(), discounted.unwrap_or(&shipping.price))
}

/// The taxes in the order, as soon as they are known.
#[must_use]
pub fn tax(order: &OrderFields) -> Option<Money> {
    let TaxedPrice { total_net, total_gross, total_tax } = order.taxed_price.as_ref()?;
    total_tax.clone().or_else(|| Money::sum([(total_gross, 1), (total_net, -1)]))
}

/// The amount that discounts of the cart took off lines, shipping and the total; none if there were none. It has the
/// basis of the prices, as in commercetools.
#[must_use]
pub fn discount(order: &OrderFields) -> Option<Money> {
    let lines = order.line_items.iter().map(|line| &line.discounted_price_per_quantity);
    let custom = order.custom_line_items.iter().map(|line| &line.discounted_price_per_quantity);
    let off_lines = lines.chain(custom).flatten().flat_map(
        |DiscountedQuantity { quantity, discounted_price }| taken_off(discounted_price, *quantity),
    );
    let off_shipping = order.shippings().filter_map(|shipping| shipping.discounted_price.as_ref());
    let off_shipping = off_shipping.flat_map(|price| taken_off(price, 1));
    let off_total = order.discount_on_total_price.iter();
    let off_total = off_total.map(|discount| (&discount.discounted_amount, 1));
    Money::sum(off_lines.chain(off_shipping).chain(off_total))
}

fn taken_off(price: &DiscountedLinePrice, times: i64) -> impl Iterator<Item = (&Money, i64)> {
    price.included_discounts.iter().map(move |discount| (&discount.discounted_amount, times))
}

/// The number of pieces; none for an order without lines.
#[must_use]
pub fn item_count(order: &OrderFields) -> Option<i64> {
    let lines = order.line_items.iter().map(|line| line.quantity);
    lines
        .chain(order.custom_line_items.iter().map(|line| line.quantity))
        .reduce(i64::saturating_add)
}

fn on<'a>(basis: AmountBasis, taxed: Option<&'a TaxedPrice>, total: &'a Money) -> &'a Money {
    match (basis, taxed) {
        (AmountBasis::Gross, Some(taxed)) => &taxed.total_gross,
        _ => total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commercetools::order::Order;
    use crate::json::read_value;
    use serde_json::{Value, json};

    fn money(cents: i64) -> Value {
        json!({"currencyCode": "EUR", "centAmount": cents, "fractionDigits": 2})
    }

    fn taxed(net: i64, gross: i64) -> Value {
        json!({"totalNet": money(net), "totalGross": money(gross)})
    }

    fn order(more: &Value) -> OrderFields {
        let mut order = json!({"id": "o", "createdAt": "2026-01-01T00:00:00Z",
            "lastModifiedAt": "2026-01-01T00:00:00Z", "totalPrice": money(10_000)});
        for (name, value) in more.as_object().expect("an object") {
            order[name] = value.clone();
        }
        read_value::<Order>(&order).expect("an order").fields
    }

    fn line(quantity: i64, cents: i64, more: &Value) -> Value {
        let mut line = json!({"id": "l", "productId": "p", "quantity": quantity,
            "price": {"value": money(cents)}, "totalPrice": money(cents * quantity)});
        for (name, value) in more.as_object().expect("an object") {
            line[name] = value.clone();
        }
        line
    }

    fn off(quantity: i64, cents: &[i64]) -> Value {
        let off: Vec<_> =
            cents.iter().map(|cents| json!({"discountedAmount": money(*cents)})).collect();
        json!({"quantity": quantity, "discountedPrice": {"includedDiscounts": off}})
    }

    fn text(money: Option<Money>) -> Option<String> {
        money.map(|money| money.decimal().to_string())
    }

    #[test]
    fn all_amounts_are_gross_unless_the_total_is_wanted() {
        let order = order(&json!({"taxedPrice": taxed(10_000, 11_900),
            "taxedShippingPrice": taxed(500, 595),
            "shippingInfo": {"price": money(500), "taxedPrice": taxed(500, 595)},
            "lineItems": [line(2, 4_000, &json!({"taxedPrice": taxed(8_000, 9_520)})),
                line(1, 500, &json!({}))],
            "customLineItems": [{"money": money(1_000), "totalPrice": money(1_000),
                "taxedPrice": taxed(1_000, 1_190)}]}));
        for (basis, whole, lines, shipped) in
            [(AmountBasis::Gross, "119", "112.1", "5.95"), (AmountBasis::Total, "100", "95", "5")]
        {
            assert_eq!(of_order(basis, &order).decimal().to_string(), whole);
            assert_eq!(text(subtotal(basis, &order)).as_deref(), Some(lines));
            assert_eq!(text(shipping(basis, &order)).as_deref(), Some(shipped));
        }
        assert_eq!(text(tax(&order)).as_deref(), Some("19"));
        assert_eq!(item_count(&order), Some(4));
    }

    #[test]
    fn a_unit_has_the_tax_of_its_line() {
        let price: Money = serde_json::from_value(money(1_000)).expect("money");
        let rate = |included_in_price| TaxRate { amount: 0.19, included_in_price };
        for (basis, rate, expected) in [
            (AmountBasis::Gross, Some(rate(false)), "11.9"),
            (AmountBasis::Gross, Some(rate(true)), "10"),
            (AmountBasis::Gross, None, "10"),
            (AmountBasis::Total, Some(rate(false)), "10"),
        ] {
            assert_eq!(of_unit(basis, &price, rate.as_ref()).decimal().to_string(), expected);
        }
    }

    #[test]
    fn every_discount_of_the_cart_counts() {
        let per = |lists: Vec<Value>| json!({"discountedPricePerQuantity": lists});
        let shipped = json!({"price": money(500),
            "discountedPrice": {"value": money(0), "includedDiscounts":
                [{"discountedAmount": money(500)}]}});
        let total = json!({"discountedAmount": money(200)});
        let custom = json!({"money": money(1_000), "totalPrice": money(900),
            "discountedPricePerQuantity": [off(1, &[100])]});
        for (more, expected) in [
            (json!({}), None),
            (json!({"lineItems": [line(2, 2_000, &per(vec![off(2, &[500])]))]}), Some("10")),
            (
                json!({"lineItems": [line(3, 2_000, &per(vec![off(1, &[500]), off(2, &[100, 50])]))]}),
                Some("8"),
            ),
            (json!({"customLineItems": [custom]}), Some("1")),
            (json!({"shippingInfo": shipped}), Some("5")),
            (
                json!({"shipping": [{"shippingInfo": shipped}, {"shippingInfo": shipped}]}),
                Some("10"),
            ),
            (json!({"discountOnTotalPrice": total}), Some("2")),
            (
                json!({"lineItems": [line(1, 2_000, &per(vec![off(1, &[500])]))],
                    "discountOnTotalPrice": total}),
                Some("7"),
            ),
        ] {
            assert_eq!(text(discount(&order(&more))).as_deref(), expected, "{more}");
        }
    }
}
