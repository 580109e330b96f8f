// A custom handler for carts that are JSON lists: what any region has put in stays in, and a cart is gone when all
// that is left of it are deletes. `hansa federation handler set cart examples/federation/cart-handler.js --sample
// '["tea"]' --sample '["milk","tea"]'`, then `hansa federation policy set carts/ resolver --handler cart`.
function resolve(key, siblings) {
  const carts = siblings.filter(({ deleted }) => !deleted).map(({ value }) => JSON.parse(value));
  if (carts.length === 0) return null;
  return JSON.stringify([...new Set(carts.flat())].sort());
}
