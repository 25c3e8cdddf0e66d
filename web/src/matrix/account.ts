/**
 * What happens before sign-in: finding the server, signing up, signing in,
 * resetting the password. Plain `fetch`, no SDK.
 */
export { discoverHomeserver, type Homeserver, offersPasswordLogin } from "./account/discovery";
export type { RequestOptions } from "./account/exchange";
export { PasswordReset } from "./account/password-reset";
export { type LoginOptions, signIn } from "./account/sign-in";
export { SignUp, type SignUpOptions, type SignUpStep } from "./account/sign-up";
export type { TermsDocument } from "./account/uia";
