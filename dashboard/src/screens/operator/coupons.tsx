// Coupons of the house: what each gives, who used it, new ones, and their end. (in work by DESK2)
export default function Screen() {
  return null;
}
