/**
 * What happens before sign-in: finding the server, signing up, signing in,
 * resetting the password. Plain `fetch`, no SDK.
 */
export {
  discoverHomeserver,
  type Homeserver,
  type IdentityProvider,
  identityProviders,
  offersPasswordLogin,
  providerAddress,
} from "./account/discovery";
export type { RequestOptions } from "./account/exchange";
export { PasswordReset } from "./account/password-reset";
export { type LoginOptions, signIn, signInWithToken, type TokenLoginOptions } from "./account/sign-in";
export { SignUp, type SignUpOptions, type SignUpStep } from "./account/sign-up";
export type { TermsDocument } from "./account/uia";
